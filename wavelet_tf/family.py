"""The families of not-so-BigGAN: decoders after a prior, and BigGAN of whole images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cascade_tf.data.config import DataConfig
from cascade_tf.family import Family, Read
from cascade_tf.settings import Settings
from spn_tf.config import SPNConfig
from spn_tf.training_config import SPNTrainingConfig
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.config import NSBConfig, PixelConfig, WaveletConfig
from wavelet_tf.prior_config import LatentConfig, PriorConfig
from wavelet_tf.training_config import DecoderTrainingConfig, GANTrainingConfig

if TYPE_CHECKING:
    from cascade_tf.stage import Stage

PRIOR_STAGE = "prior"
# Settings in a prior's classes that only decoders use, or that its kind decides.
UNRECORDED_OF_PRIOR = frozenset(
    {"packet_width", "head_width", "pixel_width", "architecture", "slice_positions"}
)


class NSBFamily(Family):
    """not-so-BigGAN: a decoder for each doubling of the sides, after a prior if there is one."""

    whole = (PriorConfig,)
    chain_kind: ClassVar[type[NSBConfig]] = WaveletConfig
    kinds: ClassVar[Sequence[type[Settings]]] = (
        WaveletConfig,
        DecoderTrainingConfig,
        PriorConfig,
        LatentConfig,
        BigGANConfig,
        GANTrainingConfig,
        SPNConfig,
        SPNTrainingConfig,
    )

    def __init__(self, system: str, read: Read) -> None:
        super().__init__(system, read)
        chain = read(NSBConfig)
        self.prior = read(PriorConfig)
        self.levels = {f"to{chain.size_of(n)}": n for n in range(1, chain.levels + 1)}
        self.stage_names = [PRIOR_STAGE] * (self.prior.prior != "none") + list(self.levels)

    def settings(self, stage: str) -> Sequence[type[Settings]]:
        if stage != PRIOR_STAGE:
            return self.chain_kind, DecoderTrainingConfig
        model: tuple[type[Settings], ...] = (SPNConfig, SPNTrainingConfig)
        if self.prior.is_gan:
            model = (BigGANConfig, GANTrainingConfig)
        return self.chain_kind, PriorConfig, LatentConfig, *model

    def unrecorded(self, stage: str) -> frozenset[str]:
        return UNRECORDED_OF_PRIOR if stage == PRIOR_STAGE else frozenset()

    def make_stage(self, stage: str) -> "Stage":
        from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage

        if stage == PRIOR_STAGE:
            return self._make_prior()
        chain = self._read(self.chain_kind, stage)
        training = self._read(DecoderTrainingConfig, stage)
        if isinstance(chain, WaveletConfig):
            return WaveletDecoderStage(chain, self.levels[stage], training)
        assert isinstance(chain, PixelConfig)
        return PixelDecoderStage(chain, self.levels[stage], training)

    def _make_prior(self) -> "Stage":
        from wavelet_tf import priors

        chain = self._read(self.chain_kind, PRIOR_STAGE)
        limits, size = self._read(LatentConfig, PRIOR_STAGE), chain.latent_size
        if self.prior.is_gan:
            return priors.gan_prior(
                chain,
                self.prior,
                limits,
                self._read(BigGANConfig, PRIOR_STAGE, size=size, architecture=self.prior.prior),
                self._read(GANTrainingConfig, PRIOR_STAGE),
            )
        return priors.spn_prior(
            chain,
            self.prior,
            limits,
            self._read(SPNConfig, PRIOR_STAGE, height=size, width=size),
            self._read(SPNTrainingConfig, PRIOR_STAGE),
        )


class PixelNSBFamily(NSBFamily):
    """The pixel variant of not-so-BigGAN (section 4.5)."""

    chain_kind = PixelConfig
    kinds = (PixelConfig, *NSBFamily.kinds[1:])


class BigGANFamily(Family):
    """BigGAN of whole images, the paper's baseline: one stage, which samples pixels."""

    kinds = (BigGANConfig, GANTrainingConfig)

    def __init__(self, system: str, read: Read) -> None:
        super().__init__(system, read)
        self.stage_names = ["gan"]

    def make_stage(self, stage: str) -> "Stage":
        from wavelet_tf.gan_stage import GANStage
        from wavelet_tf.latents import Latents

        size = self._read(DataConfig, stage).image_size
        config = self._read(BigGANConfig, stage, size=size)
        # The latents are the images in [0, 1] themselves.
        pixels = Latents(lambda images: images, size, config.channels, 1, (0.0, 1.0))
        return GANStage(stage, config, pixels, self._read(GANTrainingConfig, stage))
