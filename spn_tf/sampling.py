"""Sampling from a Subscale Pixel Network, one subpixel at a time (equation 2).

Plain and exact: the decoder runs on the whole slice for each subpixel; the slice embedder runs
once for each slice.
"""

from collections.abc import Callable

import tensorflow as tf

from cascade_tf.randomness import gumbel
from spn_tf.ordering import slices_to_image
from spn_tf.subscale_pixel_network import SubscalePixelNetwork


class Sampler:
    """Draws images from a network.

    Args:
        network: a built network.
        stream: names the noise, so that stages of a cascade do not share it.
    """

    def __init__(self, network: SubscalePixelNetwork, stream: str):
        self._network = network
        self._stream = stream
        self._embed = tf.function(network.embed)
        self._compiled_fill_row = tf.function(self._fill_row)

    def sample(
        self,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        on_row: Callable[[], None] | None = None,
    ) -> tf.Tensor:
        """Draws one image for each index.

        It can run eagerly, reporting its rows, or as part of a graph.

        Args:
            indices: int64 [B]. The noise of an image depends on its index and on `seed` alone.
            seed: int32 scalar.
            temperature: float32 scalar that divides the logits (Appendix A); 0 takes the
                likeliest intensity everywhere.
            on_row: called after each row of each slice, S * H times in all; eager only.

        Returns:
            int32 [B, H, W, C] in [0, 2**bits).
        """
        c = self._network.config
        batch = tf.shape(indices)[0]
        empty = tf.zeros([batch, c.slice_height, c.slice_width, c.channels], tf.int32)
        slices = tf.repeat(empty[:, None], c.scale**2, axis=1)
        for target in tf.range(c.scale**2):
            embedding = self._embed(slices, tf.fill([batch], target))
            pixels = empty
            for row in tf.range(c.slice_height):
                pixels = self._compiled_fill_row(
                    pixels, embedding, target, row, indices, seed, temperature
                )
                if on_row is not None:
                    on_row()
            here = tf.range(c.scale**2)[:, None, None, None] == target
            slices = tf.where(here, pixels[:, None], slices)
        return slices_to_image(slices, c.scale)

    def _fill_row(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None,
        target: tf.Tensor,
        row: tf.Tensor,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """Samples row `row` of slice `target`, [B, h, w, C], given the rows above it."""
        c = self._network.config
        size = c.slice_height * c.slice_width * c.channels
        positions = tf.reshape(tf.range(size), pixels.shape[1:])

        def fill_subpixel(k: tf.Tensor, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            column, colour = k // c.channels, k % c.channels
            position = (row * c.slice_width + column) * c.channels + colour
            logits = self._network.decoder(pixels, embedding)[:, row, column, colour]
            draw = (target * size + position) * c.levels + tf.range(c.levels)
            noise = gumbel(seed, self._stream, indices, draw)
            # argmax(logits / temperature + noise), but defined at temperature 0 as well.
            value = tf.argmax(logits + temperature * noise, axis=-1, output_type=tf.int32)
            return k + 1, tf.where(positions == position, value[:, None, None, None], pixels)

        subpixels = c.slice_width * c.channels
        _, pixels = tf.while_loop(
            lambda k, _: k < subpixels,
            fill_subpixel,
            (tf.constant(0), pixels),
            maximum_iterations=subpixels,
            parallel_iterations=1,
        )
        return pixels
