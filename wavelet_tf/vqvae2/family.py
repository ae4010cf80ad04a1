"""The family of VQ-VAE-2: two models of codes, and the autoencoder that makes the codes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cascade_tf.family import Family, Read
from cascade_tf.settings import Settings
from spn_tf.config import SPNConfig
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.training_config import LikelihoodTrainingConfig, SPNTrainingConfig
from wavelet_tf.vqvae2.config import AutoencoderTrainingConfig, CodePriorConfig, VQVAE2Config

if TYPE_CHECKING:
    from cascade_tf.stage import Stage

AUTOENCODER = "autoencoder"
# Settings in the classes of a model of codes that are for intensities, or derived.
_UNRECORDED = frozenset({"bits", "intensity_distribution", "mixture_components", "slice_positions"})


class VQVAE2Family(Family):
    """VQ-VAE-2 (Razavi et al., 2019); `top` and `bottom` need the trained autoencoder."""

    whole = (CodePriorConfig,)
    kinds = (
        VQVAE2Config,
        AutoencoderTrainingConfig,
        CodePriorConfig,
        PixelSNAILConfig,
        SPNConfig,
        SPNTrainingConfig,
    )
    stage_names = ("top", "bottom", AUTOENCODER)

    def __init__(self, system: str, read: Read) -> None:
        super().__init__(system, read)
        self._model: type[PixelSNAILConfig | SPNConfig] = PixelSNAILConfig
        self._training: type[LikelihoodTrainingConfig] = LikelihoodTrainingConfig
        if read(CodePriorConfig).code_prior == "spn":
            self._model, self._training = SPNConfig, SPNTrainingConfig

    def settings(self, stage: str) -> Sequence[type[Settings]]:
        if stage == AUTOENCODER:
            return VQVAE2Config, AutoencoderTrainingConfig
        return VQVAE2Config, CodePriorConfig, self._model, self._training

    def unrecorded(self, stage: str) -> frozenset[str]:
        if stage == AUTOENCODER:
            return frozenset()
        return _UNRECORDED | ({"guide_layers"} if stage == "top" else set())

    def make_stage(self, stage: str) -> "Stage":
        from wavelet_tf.vqvae2 import priors
        from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage

        config = self._read(VQVAE2Config, stage)
        if stage == AUTOENCODER:
            return AutoencoderStage(config, self._read(AutoencoderTrainingConfig, stage))
        prior, size, guide = self._read(CodePriorConfig, stage), config.top_size, {}
        if stage == "bottom":
            size = config.bottom_size
            guide = {"guide_size": config.top_size, "guide_codes": config.codes}
            guide["guide_layers"] = prior.guide_layers
        model = self._read(
            self._model,
            stage,
            height=size,
            width=size,
            channels=1,
            codes=config.codes,
            intensity_distribution="softmax",
            **guide,
        )
        training = self._read(self._training, stage)
        dtype = self._read(AutoencoderTrainingConfig, AUTOENCODER).dtype_policy
        return priors.code_prior(
            stage, config, prior, model, training, self.unrecorded(stage), dtype
        )
