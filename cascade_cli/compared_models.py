"""The models of a comparison: how each is trained."""

from etils import epath

from cascade_cli.command_line import flags_of, open_experiment
from cascade_cli.options import CompareOptions, TrainOptions
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.given_settings import GivenSettings
from spn_tf.family import FAMILIES
from spn_tf.image_config import ImageConfig

_MANY_STEPS = 10**9  # of trainings that end by their time


def compared_models(options: CompareOptions, settings: GivenSettings) -> dict[str, list[str]]:
    """Flags of `train` by the names of the models, whose workdirs lie in that of the comparison.

    Args:
        options: of the comparison.
        settings: for all models; they override those of the flagfiles. The stages of a cascade
            share `max_minutes`: equally, or in proportion to limits that the flagfile gives them
            one by one. If only one of `max_minutes` and `steps` is given, it alone ends the
            trainings.

    Raises:
        UserError: settings that cannot work, or models that cannot be compared.
    """
    if not options.workdir:
        raise UsageError("`workdir` is missing: name a directory for the models and figures")
    models, images = {}, {}
    for name, config in options.flagfiles().items():
        workdir = epath.Path(options.workdir).expanduser() / name
        flags = [f"--flagfile={config}", f"--workdir={workdir}"]
        flags += ["--report=false", "--sample_every=0", *settings.flags()]
        of_train, experiment = open_experiment(flags, flags_of("train"))
        assert isinstance(of_train, TrainOptions)
        if of_train.stage or of_train.split == "all":
            raise UsageError(f"{config}: leave out `stage` and `split`")
        if experiment.system not in FAMILIES:
            raise UsageError(f"{config}: {experiment.described} has no likelihood to compare")
        try:
            models[name] = [*flags, *_limits(experiment, settings)]
        except ValueError as error:
            raise UsageError(f"{config}: {error}") from error
        images[name] = _images(experiment)
    (first, expected), *others = images.items()
    for name, of_model in others:
        for setting, value in of_model.items():
            if value != expected[setting]:
                raise UsageError(
                    f"`{setting}` is {expected[setting]} for {first} and {value} for {name}: "
                    f"models are compared on the same images"
                )
    return models


def _limits(experiment: Experiment, settings: GivenSettings) -> list[str]:
    """Flags of a training's end, if the comparison gives it for all models.

    Raises:
        ValueError: the flagfile limits some stages alone.
    """
    given = settings.for_stage(None)
    if "steps" in given and "max_minutes" not in settings:
        return ["--max_minutes=0"]
    if "max_minutes" not in given or settings.of_single_stages("max_minutes"):
        return []
    minutes, shares = given["max_minutes"], experiment.given.of_single_stages("max_minutes")
    flags = [f"--max_minutes={minutes / len(experiment.stage_names)}"]
    if shares:
        if set(shares) != set(experiment.stage_names) or min(shares.values()) <= 0:
            raise ValueError("give each stage a `max_minutes` above 0, or none of them")
        total = sum(shares.values())
        flags = [
            f"--max_minutes={name}:{minutes * share / total}" for name, share in shares.items()
        ]
    return flags if "steps" in settings else [*flags, f"--steps={_MANY_STEPS}"]


def _images(experiment: Experiment) -> dict[str, object]:
    """Settings of the images that a model is evaluated on."""
    stage = experiment.stage_names[-1]
    data = experiment.data(stage)
    names = ("dataset", "data_dir", "test_dir", "image_size", "channels")
    return {name: getattr(data, name) for name in names} | {
        "bits": experiment.settings(ImageConfig, stage).bits
    }
