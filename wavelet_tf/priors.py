"""Priors of not-so-BigGAN: models that sample the latents of a chain of decoders (section 4.3)."""

from cascade_tf.description import Description
from cascade_tf.settings import Settings
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.config import NSBConfig, PixelConfig, WaveletConfig
from wavelet_tf.encoder import Encoder, PixelEncoder, WaveletEncoder
from wavelet_tf.family import PRIOR_STAGE, UNRECORDED_OF_PRIOR
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents
from wavelet_tf.prior_config import LatentConfig, PriorConfig
from wavelet_tf.quantized_prior import QuantizedPrior
from wavelet_tf.training_config import GANTrainingConfig


def make_encoder(chain: NSBConfig) -> Encoder:
    """The encoder of a chain of decoders."""
    if isinstance(chain, WaveletConfig):
        return WaveletEncoder(chain)
    assert isinstance(chain, PixelConfig)
    return PixelEncoder(chain)


def gan_prior(
    chain: NSBConfig,
    prior: PriorConfig,
    limits: LatentConfig,
    config: BigGANConfig,
    training: GANTrainingConfig,
) -> GANStage:
    """A GAN that samples latents."""
    settings = (prior, limits, config, training)
    description = _description(chain, *settings)
    return GANStage(PRIOR_STAGE, config, _latents(chain, limits), training, description=description)


def spn_prior(
    chain: NSBConfig,
    prior: PriorConfig,
    limits: LatentConfig,
    config: SPNConfig,
    training: SPNTrainingConfig,
) -> QuantizedPrior:
    """A Subscale Pixel Network that models quantized latents, with an exact likelihood."""
    settings = (prior, limits, config, training)
    description = _description(chain, *settings)
    model = SPNStage(PRIOR_STAGE, config, training)
    return QuantizedPrior(model, _latents(chain, limits), config.bits, description)


def _latents(chain: NSBConfig, limits: LatentConfig) -> Latents:
    encoder = make_encoder(chain)
    return Latents(
        lambda images: encoder.at_level(images, 0),
        chain.latent_size,
        chain.channels,
        encoder.gain(0),
        limits.range,
    )


def _description(chain: NSBConfig, *settings: Settings) -> Description:
    system = "nsb" if isinstance(chain, WaveletConfig) else "nsb_pixel"
    return Description(system, (chain, *settings), UNRECORDED_OF_PRIOR)
