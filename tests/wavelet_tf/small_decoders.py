"""Decoder stages small enough for tests, and photographs for them."""

import functools

import numpy as np
import tensorflow as tf

from cascade_tf.data import DataConfig, open_source
from wavelet_tf.config import PixelConfig, WaveletConfig
from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage
from wavelet_tf.training_config import DecoderTrainingConfig

KINDS = [WaveletDecoderStage, PixelDecoderStage]
SMALL_WAVELET = WaveletConfig(image_size=32, patch_size=8, packet_width=8, head_width=4)
SMALL_PIXEL = PixelConfig(image_size=32, pixel_width=4)
SMALL = {WaveletDecoderStage: SMALL_WAVELET, PixelDecoderStage: SMALL_PIXEL}
PHOTOS = DataConfig("photos", None, image_size=32, channels=3)


def stage(kind, level=2, config=None, **training):
    return kind(
        config or SMALL[kind], level, DecoderTrainingConfig(**{"jit_compile": False} | training)
    )


def built(kind, level=2, config=None, **training):
    decoder_stage = stage(kind, level, config, **training)
    decoder_stage.build()
    return decoder_stage


def chain(kind, config=None):
    """Returns all stages, built, with random weights in place of the zeros of their last layers."""
    stages = [built(kind, level, config) for level in range(1, (config or SMALL[kind]).levels + 1)]
    for decoder_stage in stages:
        for variable in decoder_stage.decoder.trainable_variables:
            if not np.any(variable.numpy()):
                variable.assign(tf.random.stateless_normal(variable.shape, [3, 4], stddev=0.01))
    return stages


@functools.cache
def photographs(count=4):
    """Held-out windows of photographs, uint8 [count, 32, 32, 3]."""
    return next(iter(open_source(PHOTOS, "test").evaluation_examples(count, limit=count))).images
