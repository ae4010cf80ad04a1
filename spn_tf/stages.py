"""The stages of a cascade of Subscale Pixel Networks (Figure 3 d-g)."""

from cascade_tf.description import Description
from spn_tf.config import SPNConfig
from spn_tf.slice_stage import SliceStage
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig


def make_stages(
    upscaling: UpscalingConfig, config: SPNConfig, training: SPNTrainingConfig
) -> list[SPNStage]:
    """All stages of an upscaling, coarsest first, not yet built; they share their settings.

    Args:
        upscaling: which stages.
        config: of the whole cascade: size and bits of its images, and all widths.
        training: training settings of each stage.

    Raises:
        SettingError: for values that cannot work together.

    >>> stages = make_stages(UpscalingConfig("depth"), SPNConfig(), SPNTrainingConfig())
    >>> [(stage.name, stage.config.bits, stage.config.coarse_bits) for stage in stages]
    [('spn', 3, 0), ('depth', 8, 3)]
    """
    steps = upscaling.steps(config.bits, config.scale)
    return [make_stage(step.name, upscaling, config, training) for step in steps]


def make_stage(
    name: str, upscaling: UpscalingConfig, config: SPNConfig, training: SPNTrainingConfig
) -> SPNStage:
    """One stage of an upscaling, not yet built; see `make_stages`.

    >>> make_stage("depth", UpscalingConfig("depth"), SPNConfig(), SPNTrainingConfig()).accepts
    ['temperature', 'known', 'condition']

    Args:
        name: of one of the upscaling's steps.
        upscaling, config, training: see `make_stages`.

    Raises:
        SettingError: for values that cannot work together.
    """
    steps = {step.name: step for step in upscaling.steps(config.bits, config.scale)}
    own = steps[name].config(config)
    description = Description("spn", (upscaling, config, training))
    if name == "slice":
        return SliceStage(name, own, training, description)
    return SPNStage(name, own, training, name == "size", description)
