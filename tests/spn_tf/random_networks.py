"""Tiny networks with all weights random, as zero weights would hide errors."""

import dataclasses

import numpy as np
import tensorflow as tf

from spn_tf.config import SPNConfig
from spn_tf.decoders import DecoderConfig
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.image_transformer.config import ImageTransformerConfig
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.pixelsnail.config import PixelSNAILConfig
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
# Those of the models that the SPN is compared with.
TINY_BASELINES = TINY | dict(
    pixelsnail_blocks=2,
    pixelsnail_residual_blocks=1,
    pixelsnail_filters=26,
    pixelsnail_key_channels=3,
    transformer_layers=2,
    transformer_width=18,
    transformer_heads=3,
    transformer_ffn_size=12,
    transformer_block_rows=2,
    transformer_block_columns=2,
    transformer_memory_rows=1,
    transformer_memory_columns=2,
)
# One layer of each kind, for tests that do not need a second one: it traces and compiles faster.
SHALLOW = TINY | dict(pixelcnn_layers=1, decoder_attention_layers=1)

# The baseline of van den Oord et al. (2016c); the layers see a whole image of 3x4 pixels.
GATED_PIXELCNN = dict(system="gated_pixelcnn", pixelcnn_layers=3)

PIXELSNAIL = dict(system="pixelsnail", gain=0.5)  # its features grow from block to block

IMAGE_TRANSFORMER = dict(system="image_transformer")

PARALLEL = dict(system="parallel_multiscale")

SOFTMAX = dict(intensity_distribution="softmax")
RELATIVE = dict(intensity_distribution="relative_softmax")
ANCHORED = dict(intensity_distribution="anchored_softmax")
MIXTURE = dict(intensity_distribution="logistic_mixture")
ABSOLUTE_MIXTURE = dict(intensity_distribution="absolute_logistic_mixture")

_KINDS = {
    kind.system: kind
    for kind in (
        SPNConfig,
        GatedPixelCNNConfig,
        PixelSNAILConfig,
        ImageTransformerConfig,
        ParallelConfig,
    )
}


def tiny_config(system: str = "spn", **changes) -> DecoderConfig:
    kind = _KINDS[system]
    fields = {field.name for field in dataclasses.fields(kind)}
    sizes = {name: size for name, size in TINY_BASELINES.items() if name in fields}
    return kind(**sizes | changes)


def randomize(network: SubscalePixelNetwork, seed: int = 0, gain: float = 2) -> None:
    """Adds normal noise to every weight, biases and tables included."""
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        fan_in = int(np.prod(weight.shape[:-1])) or 1
        noise = rng.normal(size=weight.shape) * min(0.5, gain * fan_in**-0.5)
        scale = 0.02 if "queries" in weight.path else 1  # no weight of attention is rounded to 0
        weight.assign(scale * (weight + noise.astype(weight.dtype)))


def random_network(
    dtype: str = "float32", seed: int = 0, gain: float = 2, **changes
) -> SubscalePixelNetwork:
    network = SubscalePixelNetwork(tiny_config(**changes), dtype=dtype)
    network.build()
    randomize(network, seed, gain)
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
