"""Tiny networks with all weights random, as zero weights would hide errors."""

import numpy as np
import tensorflow as tf

from spn_tf.config import SPNConfig
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

TINY = dict(
    pixelcnn_layers=2,
    pixelcnn_conv_channels=24,
    pixelcnn_residual_channels=49,  # not divisible by three: colour classes of unequal size
    decoder_attention_layers=2,
    decoder_attention_heads=2,
    decoder_attention_channels=6,
    embedder_conv_layers=1,
    embedder_conv_channels=8,
    embedder_residual_channels=12,
    embedder_attention_layers=1,
    embedder_attention_heads=2,
    embedder_attention_channels=4,
    ffn_size=6,
)
# One layer of each kind, for tests that do not need a second one: it traces and compiles faster.
SHALLOW = TINY | dict(pixelcnn_layers=1, decoder_attention_layers=1)

# The baseline of van den Oord et al. (2016c); the layers see a whole image of 3x4 pixels.
GATED_PIXELCNN = dict(scale=1, attention=False, pixelcnn_layers=3)

RELATIVE = dict(intensity_distribution="relative_softmax")
ANCHORED = dict(intensity_distribution="anchored_softmax")
MIXTURE = dict(intensity_distribution="logistic_mixture")


def tiny_config(**changes) -> SPNConfig:
    return SPNConfig(**(TINY | changes))


def randomize(network: SubscalePixelNetwork, seed: int = 0) -> None:
    """Adds normal noise to every weight, biases and tables included."""
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        fan_in = int(np.prod(weight.shape[:-1])) or 1
        noise = rng.normal(size=weight.shape) * min(0.5, 2 * fan_in**-0.5)
        weight.assign(weight + noise.astype(weight.dtype))


def random_network(dtype: str = "float32", seed: int = 0, **changes) -> SubscalePixelNetwork:
    network = SubscalePixelNetwork(tiny_config(**changes), dtype=dtype)
    network.build()
    randomize(network, seed)
    return network


def all_images(height: int, width: int, channels: int, bits: int) -> tf.Tensor:
    """All possible images, int32 [levels ** (H * W * C), H, W, C]."""
    dimensions, levels = height * width * channels, 2**bits
    numbers = np.arange(levels**dimensions)[:, None]
    digits = numbers // levels ** np.arange(dimensions) % levels
    return tf.constant(digits.reshape(-1, height, width, channels), tf.int32)


def all_images_of(config: SPNConfig) -> tf.Tensor:
    """All possible images of a network, as `all_images`."""
    return all_images(config.height, config.width, config.channels, config.bits)
