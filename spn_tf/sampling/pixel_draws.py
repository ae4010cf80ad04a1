"""Draws of the intensities of one slice from their logits."""

import dataclasses

import tensorflow as tf

from cascade_tf.randomness import gumbel
from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.sampling.arguments import UNKNOWN
from spn_tf.sampling.chooser import Subpixel


@dataclasses.dataclass(frozen=True)
class PixelDraws:
    """A `Chooser` that draws from softmax(logits / temperature) and keeps known intensities.

    A draw is argmax(logits + temperature * noise), with Gumbel noise that depends on `stream`,
    seed, index, slice and place only. That is argmax(logits / temperature + noise), but defined
    at temperature 0 as well.

    Attributes:
        config: of the network.
        stream: name of the noise.
        pixels: int32 [B, h, w, C], UNKNOWN where an intensity is to be drawn.
        coarse: int32 [B, h, w, C] in [0, 2**coarse_bits), or None.
        indices: int64 [B], of the images.
        target: int32 scalar, number of the slice.
        seed: int32 scalar.
        temperature: float32 scalar.
    """

    config: AutoregressiveConfig
    stream: str
    pixels: tf.Tensor
    coarse: tf.Tensor | None
    indices: tf.Tensor
    target: tf.Tensor
    seed: tf.Tensor
    temperature: tf.Tensor

    def start(self) -> tf.Tensor:
        """The slice before the first draw."""
        return self.pixels

    def start_row(self, row: tf.Tensor) -> tf.Tensor:
        """Noise of a row, float32 [B, w, C * classes].

        All pixels of the row share one run of the generator, which is many short operations.
        """
        c = self.config
        first = (self.target * c.slice_height + row) * c.slice_width
        pixels = first + tf.range(c.slice_width)
        return gumbel(self.seed, self.stream, self.indices, c.channels * c.classes, pixels)

    def choose(
        self, drawn: tf.Tensor, noise: tf.Tensor, place: Subpixel, logits: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws a subpixel, writes it into the slice, and returns both.

        Args:
            drawn: the slice so far.
            noise: of the row.
            place: of the subpixel.
            logits: float32 [B, classes].
        """
        row, column, colour = place
        classes = self.config.classes
        # Two slices, because TensorFlow 2.21 compiles noise[:, column, a:b] wrongly where `column`
        # counts a loop: it takes the first b - a numbers, whatever a is.
        noise = noise[:, column][:, colour * classes : (colour + 1) * classes]
        scores = logits + self.temperature * noise
        intensity = tf.argmax(scores, axis=-1, output_type=tf.int32)
        if self.coarse is not None:
            intensity += self.coarse[:, row, column, colour] * classes
        # Read from `pixels`, not `drawn`: reading `drawn` would make XLA copy it before the update.
        known = self.pixels[:, row, column, colour]
        intensity = tf.where(known == UNKNOWN, intensity, known)
        here = tf.stack([0, row, column, colour])
        return dynamic_update_slice(drawn, intensity[:, None, None, None], here), intensity
