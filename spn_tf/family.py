"""The model families of maximum likelihood: they create stages from settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cascade_tf.data.config import DataConfig
from cascade_tf.family import Family, Read
from cascade_tf.settings import Settings
from spn_tf.config import SPNConfig
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.glow.config import GlowConfig
from spn_tf.image_transformer.config import ImageTransformerConfig
from spn_tf.parallel_multiscale.config import MultiscaleConfig, ParallelConfig
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.training_config import LikelihoodTrainingConfig, SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig

if TYPE_CHECKING:
    from spn_tf.decoders import DecoderConfig
    from spn_tf.glow.glow_stage import GlowStage
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


class PixelByPixelFamily(Family):
    """A baseline that draws an image pixel after pixel, in one stage."""

    config: "ClassVar[type[DecoderConfig]]"

    def make_stage(self, stage: str) -> "SPNStage":
        from spn_tf.spn_stage import SPNStage

        size = self._read(DataConfig, stage).image_size
        config = self._read(self.config, stage, height=size, width=size)
        return SPNStage(stage, config, self._read(LikelihoodTrainingConfig, stage))


class GatedPixelCNNFamily(PixelByPixelFamily):
    """The gated PixelCNN of van den Oord et al. (2016c): SPN's decoder without Transformer."""

    config = GatedPixelCNNConfig
    kinds = (GatedPixelCNNConfig, LikelihoodTrainingConfig)
    stage_names = ("pixelcnn",)


class PixelSNAILFamily(PixelByPixelFamily):
    """PixelSNAIL (Chen et al., 2017)."""

    config = PixelSNAILConfig
    kinds = (PixelSNAILConfig, LikelihoodTrainingConfig)
    stage_names = ("pixelsnail",)


class ImageTransformerFamily(PixelByPixelFamily):
    """The Image Transformer (Parmar et al., 2018)."""

    config = ImageTransformerConfig
    kinds = (ImageTransformerConfig, LikelihoodTrainingConfig)
    stage_names = ("transformer",)


class ParallelMultiscaleFamily(Family):
    """Parallel Multiscale PixelCNN (Reed et al., 2017): a base, and a stage for each doubling."""

    kinds = (MultiscaleConfig, ParallelConfig, GatedPixelCNNConfig, LikelihoodTrainingConfig)

    def __init__(self, system: str, read: Read) -> None:
        super().__init__(system, read)
        self._multiscale = read(MultiscaleConfig)
        sizes = self._multiscale.sizes(read(DataConfig).image_size)
        self._sizes = {"base": sizes[0]} | {f"up{size}": size for size in sizes[1:]}
        self.stage_names = list(self._sizes)

    def settings(self, stage: str) -> Sequence[type[Settings]]:
        return (MultiscaleConfig, self._kind(stage), LikelihoodTrainingConfig)

    def make_stage(self, stage: str) -> "SPNStage":
        from spn_tf.parallel_multiscale.multiscale_stage import MultiscaleStage

        size = self._sizes[stage]
        config = self._read(self._kind(stage), stage, height=size, width=size)
        training = self._read(LikelihoodTrainingConfig, stage)
        image_size = self._read(DataConfig, stage).image_size
        return MultiscaleStage(stage, self._multiscale, config, training, image_size)

    def _kind(self, stage: str) -> "type[ParallelConfig | GatedPixelCNNConfig]":
        return GatedPixelCNNConfig if stage == "base" else ParallelConfig


class GlowFamily(Family):
    """Glow (Kingma and Dhariwal, 2018)."""

    kinds = (GlowConfig, LikelihoodTrainingConfig)
    stage_names = ("glow",)

    def make_stage(self, stage: str) -> "GlowStage":
        from spn_tf.glow.glow_stage import GlowStage

        size = self._read(DataConfig, stage).image_size
        config = self._read(GlowConfig, stage, height=size, width=size)
        return GlowStage(stage, config, self._read(LikelihoodTrainingConfig, stage))


FAMILIES: dict[str, type[Family]] = {
    "spn": SPNFamily,
    "gated_pixelcnn": GatedPixelCNNFamily,
    "pixelsnail": PixelSNAILFamily,
    "image_transformer": ImageTransformerFamily,
    "parallel_multiscale": ParallelMultiscaleFamily,
    "glow": GlowFamily,
}
