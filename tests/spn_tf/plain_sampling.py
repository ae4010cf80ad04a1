"""Sampling by the definition (equation 2): the whole network runs once for each subpixel.

Slow and plain; what the cached sampler must agree with.
"""

import numpy as np
import tensorflow as tf

from cascade_tf.randomness import gumbel
from spn_tf.ordering import image_to_slices, slices_to_image
from spn_tf.sampling import UNKNOWN
from spn_tf.subscale_pixel_network import SubscalePixelNetwork


def plain_sample(
    network: SubscalePixelNetwork,
    stream: str,
    indices: tf.Tensor,
    seed: int,
    temperature: float,
    coarse: tf.Tensor | None = None,
    known: tf.Tensor | None = None,
) -> tf.Tensor:
    """As spn_tf.sampling.Sampler.sample."""
    c = network.config
    batch = len(indices)
    if known is None:
        known = tf.fill([batch, c.height, c.width, c.channels], UNKNOWN)
    slices = image_to_slices(known, c.scale)
    coarse_slices = None if coarse is None else image_to_slices(coarse, c.scale)
    compiled = tf.function(network, autograph=False)
    size = c.slice_height * c.slice_width * c.channels
    for target in range(c.scale**2):
        for position in range(size):
            row, column, colour = np.unravel_index(
                position, [c.slice_height, c.slice_width, c.channels]
            )
            logits = compiled(tf.maximum(slices, 0), tf.fill([batch], target), coarse_slices)
            pixel = (target * size + position) // c.channels
            noise = gumbel(seed, stream, indices, c.channels * c.classes, pixel)
            noise = tf.reshape(noise, [-1, c.channels, c.classes])[:, colour]
            value = tf.argmax(
                logits[:, row, column, colour] + temperature * noise, -1, output_type=tf.int32
            )
            if coarse is not None:
                value += coarse_slices[:, target, row, column, colour] * c.classes
            drawn = slices.numpy()
            here = drawn[:, target, row, column, colour]
            drawn[:, target, row, column, colour] = np.where(here == UNKNOWN, value, here)
            slices = tf.constant(drawn)
    return slices_to_image(slices, c.scale)
