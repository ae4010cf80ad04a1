"""The model family of Subscale Pixel Networks: creates the stages of an upscaling from settings."""

from typing import TYPE_CHECKING

from cascade_tf.data.config import DataConfig
from cascade_tf.family import Family, Read
from spn_tf.config import SPNConfig
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
