"""A VQ-VAE-2 small enough for tests."""

from cascade_tf.data import open_source
from cascade_tf.examples import Examples
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.training_config import LikelihoodTrainingConfig
from tests.cascade_tf.trainings import DIGITS
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage
from wavelet_tf.vqvae2.config import AutoencoderTrainingConfig, CodePriorConfig, VQVAE2Config
from wavelet_tf.vqvae2.priors import CodePrior, code_prior

SMALL = VQVAE2Config(
    image_size=32, channels=1, codes=12, code_size=4, width=8, residual_blocks=1, residual_width=4
)


def autoencoder(config=SMALL, **training) -> AutoencoderStage:
    settings = {"learning_rate": (3e-3,), "jit_compile": False} | training
    return AutoencoderStage(config, AutoencoderTrainingConfig(**settings))


def prior(name: str, num_classes: int = 1) -> CodePrior:
    size, guide = SMALL.top_size, {}
    if name == "bottom":
        size, guide = SMALL.bottom_size, dict(guide_size=4, guide_codes=12, guide_layers=1)
    model = PixelSNAILConfig(
        height=size,
        width=size,
        channels=1,
        codes=12,
        num_classes=num_classes,
        intensity_distribution="softmax",
        pixelsnail_blocks=1,
        pixelsnail_residual_blocks=1,
        pixelsnail_filters=8,
        pixelsnail_key_channels=2,
        **guide,
    )
    training = LikelihoodTrainingConfig(optimizer="adam", learning_rate=(3e-3,), jit_compile=False)
    return code_prior(name, SMALL, CodePriorConfig(), model, training)


def digits(count=8) -> Examples:
    return next(iter(open_source(DIGITS, "train").evaluation_examples(count, limit=count)))
