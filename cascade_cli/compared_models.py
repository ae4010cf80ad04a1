"""The models of a comparison: how each is trained."""

from etils import epath

from cascade_cli.command_line import flags_of, open_experiment
from cascade_cli.options import CompareOptions
from cascade_tf.description import recorded_text
from cascade_tf.errors import UsageError
from cascade_tf.given_settings import GivenSettings

# Whether a family's images have a likelihood is known without TensorFlow.
_WITH_LIKELIHOOD = ("spn", "gated_pixelcnn")


def compared_models(options: CompareOptions, settings: GivenSettings) -> dict[str, list[str]]:
    """Flags of `train` by the names of the models, whose workdirs lie in that of the comparison.

    Args:
        options: of the comparison.
        settings: for all models; they override those of the flagfiles. A cascade's stages share
            `max_minutes`.

    Raises:
        UserError: settings that cannot work together, or a model without a likelihood.
    """
    if not options.workdir:
        raise UsageError("`workdir` is missing: name a directory for the models and figures")
    models = {}
    for name, config in options.flagfiles().items():
        workdir = epath.Path(options.workdir).expanduser() / name
        flags = [f"--flagfile={config}", f"--workdir={workdir}", *settings.texts(recorded_text)]
        _, experiment = open_experiment(flags, flags_of("train"))
        if experiment.system not in _WITH_LIKELIHOOD:
            raise UsageError(f"{config}: {experiment.described} has no likelihood to compare")
        minutes = experiment.training(experiment.stage_names[0]).max_minutes
        if minutes and "max_minutes" in settings:
            flags.append(f"--max_minutes={minutes / len(experiment.stage_names)}")
        models[name] = [*flags, "--report=false", "--sample_every=0"]
    return models
