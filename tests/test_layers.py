"""Keras's contract for every layer: configuration, output shape, repeated build, saving."""

import dataclasses
import functools
import importlib
import json
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import spn_tf
import wavelet_tf
from cascade_tf.serializable_layer import SerializableLayer
from spn_tf import attention, gated_pixelcnn, masked_convolution, slice_embedder
from spn_tf.autoregressive_config import PIXEL_UNITS
from spn_tf.colour_head import ColourHead
from spn_tf.config import SPNConfig
from spn_tf.dense import Dense
from spn_tf.glow.actnorm import ActNorm
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.coupling import Coupling
from spn_tf.glow.glow import Glow
from spn_tf.glow.invertible_convolution import InvertibleConvolution
from spn_tf.glow.prior import Prior
from spn_tf.glow.split import Split
from spn_tf.glow.step import Step
from spn_tf.glow.zero_convolution import ZeroConvolution
from spn_tf.guide_embedding import GuideEmbedding
from spn_tf.image_transformer.config import ImageTransformerConfig
from spn_tf.image_transformer.image_transformer import ImageTransformer, LocalLayer
from spn_tf.image_transformer.local_attention import Blocks, LocalAttention
from spn_tf.intensity_embedding import IntensityEmbedding
from spn_tf.masked_convolution import colour_classes
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.parallel_multiscale.parallel_decoder import ParallelDecoder
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.pixelsnail.gated_residual import CausalConvolution, GatedResidual
from spn_tf.pixelsnail.pixelsnail import PixelSNAIL
from spn_tf.pixelsnail.snail_block import SnailBlock
from spn_tf.slice_decoder import SliceDecoder
from spn_tf.subscale_pixel_network import SubscalePixelNetwork
from wavelet_tf import packet_decoder, unet
from wavelet_tf.biggan import blocks, deep_blocks, spectral_norm
from wavelet_tf.biggan.attention import SelfAttention
from wavelet_tf.biggan.conditional_batch_norm import ConditionalBatchNorm
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.discriminator import Discriminator
from wavelet_tf.biggan.generator import Generator
from wavelet_tf.config import PixelConfig, WaveletConfig
from wavelet_tf.patch_discriminator import PatchDiscriminator
from wavelet_tf.pixel_decoder import PixelDecoder
from wavelet_tf.r3gan.discriminator import R3GANDiscriminator
from wavelet_tf.r3gan.generator import R3GANGenerator
from wavelet_tf.r3gan.residual_block import ResidualBlock, ScaledConvolution
from wavelet_tf.r3gan.stages import Resampling, ResidualStage
from wavelet_tf.vqvae2.autoencoder import Autoencoder, ResidualStack
from wavelet_tf.vqvae2.codebook import Codebook
from wavelet_tf.vqvae2.config import VQVAE2Config

_SPN = SPNConfig(
    height=4,
    width=8,
    bits=3,
    coarse_bits=1,
    scale=2,
    pixelcnn_layers=2,
    pixelcnn_conv_channels=8,
    pixelcnn_residual_channels=6,
    decoder_attention_layers=1,
    decoder_attention_heads=2,
    decoder_attention_channels=4,
    embedder_conv_layers=1,
    embedder_conv_channels=4,
    embedder_residual_channels=6,
    embedder_attention_layers=1,
    embedder_attention_heads=2,
    embedder_attention_channels=4,
    ffn_size=5,
)
_SMALL = dict(height=4, width=8, bits=3)
_SNAIL = PixelSNAILConfig(
    pixelsnail_blocks=1,
    pixelsnail_residual_blocks=1,
    pixelsnail_filters=6,
    pixelsnail_key_channels=2,
    **_SMALL,
)
_TRANSFORMER = ImageTransformerConfig(
    transformer_layers=1,
    transformer_width=6,
    transformer_heads=2,
    transformer_ffn_size=4,
    transformer_block_rows=2,
    transformer_block_columns=4,
    **_SMALL,
)
_PARALLEL = ParallelConfig(
    embedder_conv_layers=1, embedder_conv_channels=4, embedder_residual_channels=6, **_SMALL
)
_GLOW = GlowConfig(
    height=4, width=8, num_classes=3, glow_levels=2, glow_depth=1, glow_hidden_channels=4
)
_WAVELET = WaveletConfig(image_size=32, levels=1, patch_size=8, packet_width=4, head_width=4)
_PIXEL = PixelConfig(image_size=32, levels=1, pixel_width=4)
_VQVAE2 = VQVAE2Config(
    image_size=16, codes=8, code_size=4, width=8, residual_blocks=1, residual_width=4
)
_GAN = dict(num_classes=3, generator_width=8, discriminator_width=8, z_size=6, class_embedding=4)
_SHALLOW = BigGANConfig(size=16, architecture="biggan", attention_size=8, **_GAN)
_DEEP = BigGANConfig(size=16, attention_size=8, **_GAN)
_R3GAN = BigGANConfig(size=16, architecture="r3gan", **_GAN)


def _x(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _int(highest, *shape):
    return np.random.default_rng(0).integers(0, highest, shape, dtype=np.int32)


_COLOURS, _UNITS = colour_classes(3, 3), colour_classes(6, 3)
_SLICES = (_int(8, 2, 4, 2, 4, 3), _int(4, 2), _int(2, 2, 4, 2, 4, 3))

# A function that returns a new layer, and the tensors to call the layer with.
LAYERS = {
    "vertical convolution": (
        lambda: masked_convolution.VerticalConvolution(6, 3),
        [_x(2, 4, 5, 3)],
    ),
    "horizontal convolution": (
        lambda: masked_convolution.HorizontalConvolution(3, _COLOURS, _UNITS, strict=True),
        [_x(2, 4, 5, 3)],
    ),
    "gated layer": (
        lambda: gated_pixelcnn.GatedLayer(3, 8, _UNITS, _UNITS, first=False),
        [_x(2, 4, 5, 4), _x(2, 4, 5, 6), _x(2, 4, 5, 8), None],
    ),
    "gated pixelcnn": (
        lambda: gated_pixelcnn.GatedPixelCNN(2, 3, 8, 6, colours=3, classes=4),
        [_x(2, 4, 5, 3 * PIXEL_UNITS), _x(2, 4, 5, 3), _x(2, 4, 5, 2)],
    ),
    "self attention": (
        lambda: attention.SelfAttention(6, heads=2, channels=4, causal=True),
        [_x(2, 5, 6)],
    ),
    "parameter attention": (
        lambda: attention.ParameterAttention(6, heads=2, channels=4, rows=3),
        [_x(2, 5, 6)],
    ),
    "feed-forward": (lambda: attention.DenseFeedForward(6, hidden=3), [_x(2, 5, 6)]),
    "transformer": (
        lambda: attention.Transformer(1, 6, 2, 4, causal=True, ffn="dense", ffn_size=3),
        [_x(2, 5, 6)],
    ),
    "positions": (lambda: attention.PositionEmbedding(), [_x(2, 4, 5, 6)]),
    "intensities": (lambda: IntensityEmbedding(levels=8), [_int(8, 2, 4, 5, 3)]),
    "dense": (lambda: Dense(5, activation="relu"), [_x(2, 3, 4)]),
    "residual block": (lambda: slice_embedder.ResidualBlock(6, 4, 3), [_x(2, 4, 5, 6)]),
    "slice embedder": (lambda: slice_embedder.SliceEmbedder(_SPN), _SLICES),
    "slice decoder": (lambda: SliceDecoder(_SPN), [_int(8, 2, 2, 4, 3), _x(2, 2, 4, 6)]),
    "spn": (lambda: SubscalePixelNetwork(_SPN), _SLICES),
    "colour head": (
        lambda: ColourHead(3, 4, hidden=6, pixel_units=8),
        [_x(2, 4, 5, 7), _x(2, 4, 5, 24)],
    ),
    "causal convolution": (lambda: CausalConvolution(6, 2), [_x(2, 4, 5, 3)]),
    "gated residual": (
        lambda: GatedResidual(6, 2, has_side=True),
        [_x(2, 4, 5, 6), _x(2, 4, 5, 3)],
    ),
    "snail block": (
        lambda: SnailBlock(1, 6, 2),
        [_x(2, 4, 5, 6), _x(2, 4, 5, 8), _x(1, 4, 5, 2)],
    ),
    "pixelsnail": (lambda: PixelSNAIL(_SNAIL), [_int(8, 2, 4, 8, 3)]),
    "local attention": (
        lambda: LocalAttention(6, 2, Blocks(4, 6, 2, 3, 2, 1)),
        [_x(2, 4, 6, 6)],
    ),
    "local layer": (
        lambda: LocalLayer(6, 2, 5, Blocks(4, 6, 2, 3, 2, 1)),
        [_x(2, 4, 6, 6)],
    ),
    "image transformer": (lambda: ImageTransformer(_TRANSFORMER), [_int(8, 2, 8, 4, 3)]),
    "parallel decoder": (
        lambda: ParallelDecoder(_PARALLEL),
        [_int(8, 2, 2, 4, 3), _x(2, 2, 4, 6)],
    ),
    "guide": (lambda: GuideEmbedding(5, 2, 4, width=6, layers=1), [_int(5, 2, 4)]),
    "pixelsnail of images": (
        lambda: SubscalePixelNetwork(_SNAIL),
        [_int(8, 2, 1, 4, 8, 3), _int(1, 2)],
    ),
    "groups of images": (
        lambda: SubscalePixelNetwork(_PARALLEL),
        [_int(8, 2, 4, 2, 4, 3), _int(4, 2)],
    ),
    "actnorm": (lambda: ActNorm(), [_x(2, 4, 5, 3)]),
    "invertible convolution": (lambda: InvertibleConvolution(), [_x(2, 4, 5, 3)]),
    "zero convolution": (lambda: ZeroConvolution(6), [_x(2, 4, 5, 3)]),
    "coupling": (lambda: Coupling(5, "affine"), [_x(2, 4, 5, 3)]),
    "step of flow": (lambda: Step(5, "additive"), [_x(2, 4, 5, 4)]),
    "split": (lambda: Split(), [_x(2, 4, 5, 4)]),
    "prior": (lambda: Prior(3), [_x(2, 4, 5, 4), _int(3, 2)]),
    "glow": (lambda: Glow(_GLOW), [_x(2, 4, 8, 3), _int(3, 2)]),
    "convolution block": (lambda: unet.ConvolutionBlock(4, False), [_x(2, 8, 8, 3)]),
    "unet": (lambda: unet.UNet([4, 6]), [_x(2, 8, 8, 3)]),
    "heads": (lambda: packet_decoder.Heads(2, 4, 3, False), [_x(2, 8, 8, 5)]),
    "packet decoder": (lambda: packet_decoder.PacketDecoder(_WAVELET, 1), [_x(2, 16, 16, 3)]),
    "pixel decoder": (lambda: PixelDecoder(_PIXEL, 1), [_x(2, 16, 16, 3)]),
    "discriminator of patches": (
        lambda: PatchDiscriminator(inputs=12, width=4),
        [_x(2, 8, 8, 3), _x(2, 8, 8, 9)],
    ),
    "codebook": (lambda: Codebook(codes=8, size=4), [_x(2, 4, 5, 4)]),
    "residual stack": (lambda: ResidualStack(6, 4, blocks=2), [_x(2, 4, 5, 6)]),
    "autoencoder": (lambda: Autoencoder(_VQVAE2), [_x(2, 16, 16, 3)]),
    "spectral convolution": (lambda: spectral_norm.SNConv2D(3, 4), [_x(2, 8, 8, 3)]),
    "spectral dense": (lambda: spectral_norm.SNDense(3, 4, use_bias=False), [_x(2, 3)]),
    "spectral embedding": (lambda: spectral_norm.SNEmbedding(5, 4), [_int(5, 2)]),
    "biggan attention": (lambda: SelfAttention(8), [_x(2, 4, 4, 8)]),
    "batch norm": (lambda: ConditionalBatchNorm(4, 5), [_x(2, 8, 8, 4), _x(2, 5)]),
    "generator block": (
        lambda: blocks.GeneratorBlock(8, 4, 5),
        [_x(2, 4, 4, 8), _x(2, 5)],
    ),
    "discriminator block": (
        lambda: blocks.DiscriminatorBlock(3, 4, halve=True, first=True),
        [_x(2, 8, 8, 3)],
    ),
    "deep generator block": (
        lambda: deep_blocks.DeepGeneratorBlock(8, 4, 5, double=True),
        [_x(2, 4, 4, 8), _x(2, 5)],
    ),
    "deep discriminator block": (
        lambda: deep_blocks.DeepDiscriminatorBlock(4, 8),
        [_x(2, 8, 8, 4)],
    ),
    "generator": (lambda: Generator(_SHALLOW), [_x(2, 6), _int(3, 2)]),
    "deep generator": (lambda: Generator(_DEEP), [_x(2, 6), _int(3, 2)]),
    "discriminator": (lambda: Discriminator(_SHALLOW), [_x(2, 16, 16, 3), _int(3, 2)]),
    "deep discriminator": (lambda: Discriminator(_DEEP), [_x(2, 16, 16, 3), _int(3, 2)]),
    "classifying discriminator": (
        lambda: Discriminator(dataclasses.replace(_SHALLOW, conditioning="auxiliary_classifier")),
        [_x(2, 16, 16, 3), _int(3, 2)],
    ),
    "scaled convolution": (lambda: ScaledConvolution(8, 4, 3, groups=2), [_x(2, 4, 4, 8)]),
    "r3gan block": (lambda: ResidualBlock(8, groups=2, blocks=3), [_x(2, 4, 4, 8)]),
    "r3gan stage": (lambda: ResidualStage(8, stages=2), [_x(2, 4, 4, 8)]),
    "upsampling": (lambda: Resampling(8, 4, double=True), [_x(2, 4, 4, 8)]),
    "downsampling": (lambda: Resampling(8, 8, double=False), [_x(2, 4, 4, 8)]),
    "r3gan generator": (lambda: R3GANGenerator(_R3GAN), [_x(2, 6), _int(3, 2)]),
    "r3gan discriminator": (
        lambda: R3GANDiscriminator(_R3GAN),
        [_x(2, 16, 16, 3), _int(3, 2)],
    ),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


@functools.cache
def _called(name):
    """Returns a layer, its inputs and its output."""
    make, inputs = LAYERS[name]
    layer = make()
    return layer, inputs, layer(*inputs)


@every_layer
def test_a_layer_is_rebuilt_from_its_configuration(name):
    layer, inputs, expected = _called(name)
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    again.build_from_config(layer.get_build_config())
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]
    again.set_weights(layer.get_weights())
    tf.nest.map_structure(np.testing.assert_array_equal, again(*inputs), expected)


@every_layer
def test_a_layer_knows_the_shape_of_its_output(name):
    layer, inputs, output = _called(name)
    assert type(layer).compute_output_shape is not keras.layers.Layer.compute_output_shape
    tensors = [x if x is None else keras.KerasTensor(x.shape, x.dtype.name) for x in inputs]
    spec = layer.compute_output_spec(*tensors)
    shapes = [tuple(each.shape) for each in tf.nest.flatten(spec)]
    assert shapes == [tuple(each.shape) for each in tf.nest.flatten(output)]


@every_layer
def test_building_twice_keeps_the_weights(name):
    layer, _, _ = _called(name)
    weights, values = layer.weights, layer.get_weights()
    layer.build_from_config(layer.get_build_config())
    assert len(weights) == len(layer.weights)
    assert all(a is b for a, b in zip(layer.weights, weights, strict=True))
    for a, b in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_layer_of_the_packages_is_in_the_list():
    for package in (spn_tf, wavelet_tf):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    abstract = {"Decoder", "FlowLayer", "ImageDiscriminator", "ImageGenerator"}
    abstract |= {"IntensityDecoder", "SpectralNormalized"}
    known = {type(make()) for make, _ in LAYERS.values()}
    names = {kind.__name__ for kind in _subclasses(SerializableLayer) - known}
    assert names == abstract


def _subclasses(kind):
    below = {
        each for each in kind.__subclasses__() if each.__module__.startswith(("spn_", "wavelet_"))
    }
    return below.union(*map(_subclasses, below)) if below else below


@pytest.mark.parametrize(
    "name", ["spn", "glow", "unet", "packet decoder", "generator", "deep generator"]
)
def test_a_saved_model_is_loaded_without_custom_objects(name, tmp_path):
    make, inputs = LAYERS[name]
    arguments = [keras.Input(x.shape[1:], dtype=x.dtype.name) for x in inputs]
    model = keras.Model(arguments, make()(*arguments))
    for weight in model.weights:  # weights that start at zero would hide others
        weight.assign(tf.random.normal(weight.shape, stddev=0.3) ** 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    outputs = tf.nest.flatten(model(inputs))
    for a, b in zip(tf.nest.flatten(loaded(inputs)), outputs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_configuration_keeps_the_precision():
    layer = SubscalePixelNetwork(_SPN, dtype="mixed_bfloat16")
    again = SubscalePixelNetwork.from_config(layer.get_config())
    assert again.config == _SPN
    assert again.decoder.pixelcnn.compute_dtype == "bfloat16"


@pytest.fixture
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@every_layer
def test_a_layer_knows_the_dtype_of_its_output(name, bfloat16):
    make, inputs = LAYERS[name]
    layer = make()
    tensors = [x if x is None else keras.KerasTensor(x.shape, x.dtype.name) for x in inputs]
    specs = tf.nest.flatten(layer.compute_output_spec(*tensors))
    outputs = tf.nest.flatten(layer(*inputs))
    assert [each.dtype for each in specs] == [each.dtype.name for each in outputs]
