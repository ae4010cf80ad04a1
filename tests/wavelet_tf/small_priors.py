"""GAN priors small enough for tests, on the digits' TL of 16x16."""

from cascade_tf.data import open_source
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from tests.cascade_tf.trainings import DIGITS
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.config import WaveletConfig
from wavelet_tf.encoder import WaveletEncoder
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents
from wavelet_tf.training_config import GANTrainingConfig

CHAIN = WaveletConfig(
    image_size=32, channels=1, levels=1, patch_size=8, packet_width=8, head_width=4
)
ENCODER = WaveletEncoder(CHAIN)
SMALL = dict(
    size=16,
    channels=1,
    num_classes=10,
    architecture="biggan",
    generator_width=8,
    discriminator_width=8,
    z_size=6,
    class_embedding=5,
    attention_size=0,
)

R3GAN = dict(architecture="r3gan", z_size=4)


def latents(value_range=(-0.5, 2.5)):
    return Latents(lambda images: ENCODER.at_level(images, 0), 16, 1, 2, value_range)


def gan(value_range=(-0.5, 2.5), config=None, **training):
    return GANStage(
        "prior",
        BigGANConfig(**SMALL | (config or {})),
        latents(value_range),
        GANTrainingConfig(**{"jit_compile": False, "learning_rate": (1e-3,)} | training),
    )


def built(**changes):
    prior = gan(**changes)
    prior.build()
    return prior


def digits(count=8) -> Examples:
    batches = open_source(DIGITS, "train").evaluation_examples(count, limit=count)
    return next(iter(batches))


def sample(stage, indices, truncation=1.0, seed=0, **fields):
    return stage.sample(SampleRequest(indices, seed, truncation=truncation, **fields)).numpy()
