"""The experiment that a benchmark's command line describes, by flags of bin/train."""

from collections.abc import Callable

from absl import app, flags

from cascade_cli import flagfiles
from cascade_cli.command_line import flags_of, open_experiment
from cascade_tf.errors import UsageError, UserError
from cascade_tf.experiment import Experiment
from spn_tf.spn_stage import SPNStage


def run_benchmark(main: Callable[[list[str]], None]) -> None:
    """Reads the benchmark's own absl flags, and runs `main` on all others of the command line.

    Flagfiles are expanded. A mistake ends the process in one line.
    """

    def own_flags(argv: list[str]) -> list[str]:
        return flags.FLAGS([argv[0], *flagfiles.expand(argv[1:])], known_only=True)

    try:
        app.run(lambda argv: main(argv[1:]), flags_parser=own_flags)
    except (UserError, flags.Error) as error:
        raise SystemExit(str(error)) from error


def described_experiment(arguments: list[str]) -> Experiment:
    """An untrained experiment; no workdir is read or written.

    Args:
        arguments: flags of bin/train; the last of a name counts.

    Raises:
        flags.Error, UserError: flags that cannot work.
    """
    parser = flags_of("train")
    _, experiment = open_experiment([*arguments, "--workdir=/nonexistent"], parser)
    return experiment


def built_spn(experiment: Experiment, name: str) -> SPNStage:
    """A stage that is a Subscale Pixel Network, built.

    Raises:
        UsageError: another kind of stage.
    """
    stage = experiment.make_stage(name)
    if not isinstance(stage, SPNStage):
        raise UsageError(f"stage {name} of {experiment.described} is no Subscale Pixel Network")
    stage.build()
    return stage
