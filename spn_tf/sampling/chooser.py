"""What decides the intensities of a slice, subpixel after subpixel."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf


class Subpixel(NamedTuple):
    """A place in a slice: int32 scalars, but the colour is a Python number."""

    row: tf.Tensor
    column: tf.Tensor
    colour: int


class Chooser(Protocol):
    """Decides the intensities of a slice, in order, while `decode` computes their logits.

    Sampling draws them (`PixelDraws`); the tests return the true ones and keep the logits.
    """

    def start(self) -> Any:
        """The state before the first subpixel, one or several tensors."""

    def start_row(self, row: tf.Tensor) -> Any:
        """Tensors that `choose` needs for all subpixels of a row, an int32 scalar."""

    def choose(
        self, state: Any, of_row: Any, place: Subpixel, logits: tf.Tensor
    ) -> tuple[Any, tf.Tensor]:
        """Decides a subpixel.

        Args:
            state: the state after the subpixel before.
            of_row: tensors that `start_row` returned.
            place: of the subpixel.
            logits: float32 [B, classes].

        Returns:
            The next state, and the intensities, int32 [B].
        """
