"""The model families of exact likelihood: they create stages from settings."""

from typing import TYPE_CHECKING

from cascade_tf.data.config import DataConfig
from cascade_tf.family import Family, Read
from spn_tf.config import UNUSED_BY_GATED_PIXELCNN, SPNConfig
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig

if TYPE_CHECKING:
    from spn_tf.spn_stage import SPNStage


class SPNFamily(Family):
    """A Subscale Pixel Network, alone or in the stages of multidimensional upscaling."""

    kinds = (UpscalingConfig, SPNConfig, SPNTrainingConfig)

    def __init__(self, system: str, read: Read) -> None:
        super().__init__(system, read)
        self._upscaling = read(UpscalingConfig)
        config = self._config()
        steps = self._upscaling.steps(config.bits, config.scale)
        self.stage_names = [step.name for step in steps]

    def make_stage(self, stage: str) -> "SPNStage":
        from spn_tf.stages import make_stage

        training = self._read(SPNTrainingConfig, stage)
        return make_stage(stage, self._upscaling, self._config(stage), training)

    def _config(self, stage: str | None = None) -> SPNConfig:
        size = self._read(DataConfig, stage).image_size
        return self._read(SPNConfig, stage, height=size, width=size)


class GatedPixelCNNFamily(Family):
    """The gated PixelCNN of van den Oord et al. (2016c): the decoder without attention or slices.

    It is a baseline in the SPN paper's Table 1.
    """

    kinds = (SPNConfig, SPNTrainingConfig)
    unused = UNUSED_BY_GATED_PIXELCNN
    stage_names = ("pixelcnn",)

    def make_stage(self, stage: str) -> "SPNStage":
        from spn_tf.spn_stage import SPNStage

        size = self._read(DataConfig, stage).image_size
        sizes = {"height": size, "width": size, "scale": 1, "dropout": 0.0, "attention": False}
        config = self._read(SPNConfig, stage, **sizes)
        return SPNStage(stage, config, self._read(SPNTrainingConfig, stage))


FAMILIES: dict[str, type[Family]] = {"spn": SPNFamily, "gated_pixelcnn": GatedPixelCNNFamily}
