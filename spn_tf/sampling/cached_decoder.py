"""What a network must offer to be run one pixel at a time, with nothing computed twice.

Shape letters: B images, h x w pixels of a slice, C colours.
"""

from typing import Any, Protocol

import tensorflow as tf


class CachedPixel(Protocol):
    """The pixel being drawn, colour by colour: `readout(0)`, `draw(0, .)`, `readout(1)`, ..."""

    def readout(self, colour: int) -> tf.Tensor:
        """Parameters of a colour's distribution, [B, .], once the colours before are drawn."""

    def draw(self, colour: int, units: tf.Tensor) -> None:
        """Passes on the embedded intensity of a colour, [B, pixel_units]."""

    def end(self) -> Any:
        """What the next pixel needs, in the structure that `CachedDecoder.start` gives."""


class CachedDecoder(Protocol):
    """A network for one pixel at a time, in raster order.

    Its constructor casts and arranges the weights. So construct it inside the graph that uses it,
    but outside the graph's loops.
    """

    def start(self, batch: int | tf.Tensor) -> tuple[Any, Any]:
        """What the first row needs, and what its first pixel needs; tensors in any structure."""

    def begin_row(
        self, rows: Any, pixels: Any, row: tf.Tensor, units_above: tf.Tensor
    ) -> tuple[Any, Any, Any]:
        """Computes all that a row's pixels share.

        Args:
            rows: what the row needs.
            pixels: what its first pixel needs.
            row: int32 scalar.
            units_above: embedded intensities of the row above, [B, w, C * pixel_units]; zeros for
                row 0.

        Returns:
            What the next row needs, what the first pixel needs, and what all pixels need.
        """

    def begin_pixel(
        self, pixels: Any, of_row: Any, row: tf.Tensor, column: tf.Tensor, units_before: tf.Tensor
    ) -> CachedPixel:
        """Begins a pixel.

        Args:
            pixels: what the pixel needs.
            of_row: what all pixels of the row need.
            row, column: int32 scalars.
            units_before: embedded intensities of the pixel before, [B, C * pixel_units]; zeros for
                the first one.
        """

    def end_row(self, pixels: Any, row: tf.Tensor) -> Any:
        """To be called after the last pixel of a row, with and returning what a pixel needs."""
