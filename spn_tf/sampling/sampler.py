"""Sampling from a Subscale Pixel Network, one subpixel at a time (equation 2).

The slice embedder runs once for each slice; the decoder goes from pixel to pixel over what it
keeps of those before (cached_decoder.py). XLA compiles one program for all slices. On several
cores, parts of a batch go through it side by side.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

from cascade_tf.randomness import gumbel
from cascade_tf.stage import OnProgress
from cascade_tf.strategies import (
    cores_of_a_replica,
    even_parts,
    has_accelerators,
    run_on_replicas,
)
from spn_tf.ordering import image_to_slices, slices_to_image
from spn_tf.sampling.arguments import UNKNOWN, as_tensors
from spn_tf.sampling.cached_decoder import Choose, decode
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

_WEIGHTS_PER_IMAGE = 15_000_000  # Reading so many takes as long as cores save by not waiting.


def count_parts(batch: int, weights: int, cores: int) -> int:
    """Into how many parts of one size a batch is cut, to be drawn side by side.

    The cores that share an operation wait for each other after each of the many of a pixel; those
    that have a part each do not, but each reads all of the weights. So a network of many takes
    more images in a part.
    """
    least = -(-weights // _WEIGHTS_PER_IMAGE)
    size = -(-batch // max(1, min(cores, batch // least)))
    return -(-batch // size)


class Sampler:
    """Draws images from a network; made under a strategy, on all of its replicas.

    Args:
        network: a built network.
        stream: names the noise, so that stages of a cascade do not share it.
    """

    def __init__(self, network: SubscalePixelNetwork, stream: str):
        self._network = network
        self._stream = stream
        self._cores = cores_of_a_replica(tf.distribute.get_strategy())
        # XLA's products on CPUs turn bfloat16 into float32, the weights anew for every pixel.
        self._dtype = network.compute_dtype if has_accelerators() else "float32"
        self._compiled_decode = tf.function(self._decode, jit_compile=True, autograph=False)
        self._compiled_fill_slice = run_on_replicas(
            tf.function(self._fill_slice, autograph=False), tf.distribute.get_strategy()
        )

    def sample(
        self,
        indices: Any,
        seed: Any = 0,
        temperature: Any = 1.0,
        coarse: Any = None,
        known: Any = None,
        on_slice: OnProgress | None = None,
    ) -> tf.Tensor:
        """Draws one image for each index.

        It can run eagerly, reporting its slices, or as part of a graph. A program is compiled
        for each number of images.

        Args:
            indices: int64 [B]. The noise of an image depends on its index and on `seed` alone.
            seed: int32 scalar.
            temperature: float32 scalar that divides the logits (Appendix A); 0 takes the
                likeliest intensity everywhere.
            coarse: int32 [B, H, W, C] in [0, 2**coarse_bits): the given bits, in depth upscaling.
            known: int32 [B, H, W, C]: intensities to keep, UNKNOWN where they are to be drawn.
                Slices that are known throughout cost nothing.
            on_slice: called after each slice, S * S times in all; eager only.

        Returns:
            int32 [B, H, W, C] in [0, 2**bits).
        """
        c = self._network.config
        indices, seed, temperature, coarse, known = as_tensors(
            c, indices, seed, temperature, coarse, known
        )
        slices = image_to_slices(known, c.scale)
        coarse_slices = None if coarse is None else image_to_slices(coarse, c.scale)

        def filled(target: tf.Tensor, slices: tf.Tensor) -> tf.Tensor:
            pixels = self._compiled_fill_slice(
                (slices, coarse_slices, indices), (target, seed, temperature)
            )
            here = tf.range(c.scale**2)[:, None, None, None] == target
            return tf.where(here, pixels[:, None], slices)

        def fill(target: tf.Tensor, slices: tf.Tensor) -> tf.Tensor:
            unknown = tf.reduce_any(slices[:, target] == UNKNOWN)
            return tf.cond(unknown, lambda: filled(target, slices), lambda: slices)

        if tf.inside_function():
            _, slices = tf.while_loop(
                lambda target, _: target < c.scale**2,
                lambda target, slices: (target + 1, fill(target, slices)),
                (0, slices),
            )
            return slices_to_image(slices, c.scale)
        for target in tf.range(c.scale**2):
            slices = fill(target, slices)
            if on_slice is not None:
                on_slice()
        return slices_to_image(slices, c.scale)

    def _fill_slice(
        self,
        slices: tf.Tensor,
        coarse: tf.Tensor | None,
        indices: tf.Tensor,
        target: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """Slice `target`, [B, h, w, C], with what is UNKNOWN in it drawn."""
        seen = tf.maximum(slices, 0)  # what is UNKNOWN is never looked at
        embedding = self._network.embed(seen, tf.fill([tf.shape(slices)[0]], target), coarse)
        own_coarse = None if coarse is None else coarse[:, target]
        batch = (slices[:, target], own_coarse, embedding, indices)
        size = slices.shape[0]
        if size is None:  # in an exported model, whose cores are not known either
            return self._compiled_decode(*batch, target, seed, temperature)
        count = count_parts(size, self._network.decoder.count_params(), self._cores)
        parts = even_parts(batch, size, count)
        drawn = [self._compiled_decode(*part, target, seed, temperature) for part in parts]
        return tf.concat(drawn, axis=0)[:size]

    def _decode(
        self,
        pixels: tf.Tensor,
        coarse: tf.Tensor | None,
        embedding: tf.Tensor | None,
        indices: tf.Tensor,
        target: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """As _fill_slice, of the slice's own pixels and coarse bits, [B, h, w, C]."""
        c = self._network.config

        def choose_in(row: tf.Tensor) -> Callable[[tf.Tensor], Choose]:
            # The noise of a row is made at once: many short operations that its pixels share.
            first = (target * c.slice_height + row) * c.slice_width
            pixels = first + tf.range(c.slice_width)
            of_row = gumbel(seed, self._stream, indices, c.channels * c.classes, pixels)
            return lambda column: choose_at(row, column, of_row[:, column])

        def choose_at(row: tf.Tensor, column: tf.Tensor, noise: tf.Tensor) -> Choose:
            def choose(
                drawn: tf.Tensor, colour: int, logits: tf.Tensor
            ) -> tuple[tf.Tensor, tf.Tensor]:
                own_noise = noise[:, colour * c.classes : (colour + 1) * c.classes]
                # argmax(logits / temperature + noise), but defined at temperature 0 as well.
                logits += temperature * own_noise
                value = tf.argmax(logits, axis=-1, output_type=tf.int32)
                if coarse is not None:
                    value += coarse[:, row, column, colour] * c.classes
                # Not from what is drawn, which XLA would copy before it writes there.
                given = pixels[:, row, column, colour]
                value = tf.where(given == UNKNOWN, value, given)
                here = tf.stack([0, row, column, colour])
                return dynamic_update_slice(drawn, value[:, None, None, None], here), value

            return choose

        batch = tf.shape(pixels)[0]
        decoder, dtype = self._network.decoder, self._dtype
        return decode(decoder, embedding, batch, pixels, choose_in, dtype)
