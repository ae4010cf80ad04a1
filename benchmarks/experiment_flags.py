"""The experiment that a benchmark's command line describes with the flags of bin/train."""

from collections.abc import Callable

from absl import app, flags

from cascade_cli import flagfiles
from cascade_cli.command_line import flags_of, open_experiment
from cascade_tf.errors import UsageError, UserError
from cascade_tf.experiment import Experiment
from spn_tf.likelihood_stage import LikelihoodStage


def run_benchmark(main: Callable[[list[str]], None]) -> None:
    """Parses the benchmark's own absl flags and passes all other arguments to `main`.

    Flagfiles are expanded. A wrong flag ends the process with one line on stderr.
    """

    def own_flags(argv: list[str]) -> list[str]:
        return flags.FLAGS([argv[0], *flagfiles.expand(argv[1:])], known_only=True)

    try:
        app.run(lambda argv: main(argv[1:]), flags_parser=own_flags)
    except (UserError, flags.Error) as error:
        raise SystemExit(str(error)) from error


def described_experiment(arguments: list[str]) -> Experiment:
    """Returns an untrained experiment; no workdir is read or written.

    Args:
        arguments: flags of bin/train; the last value of a flag wins.

    Raises:
        flags.Error, UserError: if the flags are invalid.
    """
    parser = flags_of("train")
    _, experiment = open_experiment([*arguments, "--workdir=/nonexistent"], parser)
    return experiment


def built_stage(experiment: Experiment, name: str) -> LikelihoodStage:
    """Returns the stage `name`, which must be a likelihood model, with its weights built.

    Raises:
        UsageError: if it is another kind of stage.
    """
    stage = experiment.make_stage(name)
    if not isinstance(stage, LikelihoodStage):
        raise UsageError(f"stage {name} of {experiment.described} is no likelihood model")
    stage.build()
    return stage
