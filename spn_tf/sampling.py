"""Sampling from a Subscale Pixel Network, one subpixel at a time (equation 2).

Plain and exact: the decoder runs on the whole slice for each subpixel; the slice embedder runs
once for each slice.
"""

from collections.abc import Callable

import tensorflow as tf

from cascade_tf.randomness import gumbel
from spn_tf.ordering import image_to_slices, slices_to_image
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

UNKNOWN = -1  # of an intensity that is to be drawn


class Sampler:
    """Draws images from a network.

    Args:
        network: a built network.
        stream: names the noise, so that stages of a cascade do not share it.
    """

    def __init__(self, network: SubscalePixelNetwork, stream: str):
        self._network = network
        self._stream = stream
        self._compiled_embed = tf.function(network.embed)
        self._compiled_fill_row = tf.function(self._fill_row)

    def sample(
        self,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        coarse: tf.Tensor | None = None,
        known: tf.Tensor | None = None,
        on_row: Callable[[], None] | None = None,
    ) -> tf.Tensor:
        """Draws one image for each index.

        It can run eagerly, reporting its rows, or as part of a graph.

        Args:
            indices: int64 [B]. The noise of an image depends on its index and on `seed` alone.
            seed: int32 scalar.
            temperature: float32 scalar that divides the logits (Appendix A); 0 takes the
                likeliest intensity everywhere.
            coarse: int32 [B, H, W, C] in [0, 2**coarse_bits): the given bits, in depth upscaling.
            known: int32 [B, H, W, C]: intensities to keep, UNKNOWN where they are to be drawn.
                Rows of a slice that are known throughout cost nothing.
            on_row: called after each row of each slice, S * H times in all; eager only.

        Returns:
            int32 [B, H, W, C] in [0, 2**bits).
        """
        c = self._network.config
        batch = tf.shape(indices)[0]
        if known is None:
            known = tf.fill([batch, c.height, c.width, c.channels], UNKNOWN)
        slices = image_to_slices(known, c.scale)
        coarse_slices = None if coarse is None else image_to_slices(coarse, c.scale)
        for target in tf.range(c.scale**2):
            seen = tf.maximum(slices, 0)  # what is UNKNOWN is never looked at
            embedding = self._compiled_embed(seen, tf.fill([batch], target), coarse_slices)
            pixels = slices[:, target]
            own_coarse = None if coarse_slices is None else coarse_slices[:, target]
            for row in tf.range(c.slice_height):
                pixels = self._compiled_fill_row(
                    pixels, own_coarse, embedding, target, row, indices, seed, temperature
                )
                if on_row is not None:
                    on_row()
            here = tf.range(c.scale**2)[:, None, None, None] == target
            slices = tf.where(here, pixels[:, None], slices)
        return slices_to_image(slices, c.scale)

    def _fill_row(
        self,
        pixels: tf.Tensor,
        coarse: tf.Tensor | None,
        embedding: tf.Tensor | None,
        target: tf.Tensor,
        row: tf.Tensor,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """Draws what is UNKNOWN in row `row` of slice `target`, [B, h, w, C], from above on."""
        c = self._network.config
        size = c.slice_height * c.slice_width * c.channels
        positions = tf.reshape(tf.range(size), pixels.shape[1:])

        def fill_subpixel(k: tf.Tensor, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            column, colour = k // c.channels, k % c.channels
            position = (row * c.slice_width + column) * c.channels + colour
            seen = tf.maximum(pixels, 0)
            logits = self._network.decoder(seen, embedding)[:, row, column, colour]
            draw = (target * size + position) * c.classes + tf.range(c.classes)
            noise = gumbel(seed, self._stream, indices, draw)
            # argmax(logits / temperature + noise), but defined at temperature 0 as well.
            value = tf.argmax(logits + temperature * noise, axis=-1, output_type=tf.int32)
            value = value[:, None, None, None]
            if coarse is not None:
                value += coarse * c.classes
            drawn = (positions == position) & (pixels == UNKNOWN)
            return k + 1, tf.where(drawn, value, pixels)

        # A row that is known throughout is done before it begins.
        subpixels = c.slice_width * c.channels
        unknown = tf.reduce_any(pixels[:, row] == UNKNOWN)
        _, pixels = tf.while_loop(
            lambda k, _: k < subpixels,
            fill_subpixel,
            (tf.where(unknown, 0, subpixels), pixels),
            maximum_iterations=subpixels,
            parallel_iterations=1,
        )
        return pixels
