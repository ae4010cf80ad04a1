"""The files of samples, whole at every moment."""

import io
import time
from typing import Any

import numpy as np
from etils import epath

from cascade_tf.files import write_atomically
from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet

NAMES = ("samples.png", "samples.npz", "stages.png", "stages.npz")


class SampleFiles:
    """Writes images and what came before them; again and again, as they grow in number.

    Args:
        directory: where they go.
        in_a_row: images in a row of samples.png; None makes it about square.
    """

    def __init__(self, directory: epath.Path, in_a_row: int | None = None):
        self.page = directory / "samples.png"
        self._directory, self._in_a_row = directory, in_a_row
        self._took = 0.0  # the last writing, seconds
        self._ended = float("-inf")

    def write_some(self, made: dict[str, np.ndarray]) -> None:
        """As `write`, unless that would take more than a tenth of the time."""
        if time.monotonic() - self._ended >= 9 * self._took:
            self.write(made)

    def write(self, made: dict[str, np.ndarray]) -> None:
        """Replaces the files.

        Args:
            made: uint8 [N, h, w, C] by name, the images last.
        """
        began = time.monotonic()
        images = list(made.values())[-1]
        height, width = images.shape[1:3]
        self._write_arrays("samples.npz", {"images": images})
        if len(made) > 1:
            self._write_arrays("stages.npz", made)
        else:
            (self._directory / "stages.npz").unlink(missing_ok=True)  # of another model
        columns = [resize_nearest(x, height, width) for x in made.values()]
        rows = np.stack(columns, axis=1).reshape(-1, *images.shape[1:])
        self._write_page("stages.png", rows, len(columns))
        self._write_page("samples.png", images, self._in_a_row)
        self._ended = time.monotonic()
        self._took = self._ended - began

    def _write_page(self, name: str, images: np.ndarray, columns: int | None) -> None:
        page = enlarge(sheet(images, columns=columns, gap=1))
        write_atomically(self._directory / name, png_bytes(page))

    def _write_arrays(self, name: str, arrays: dict[str, Any]) -> None:
        archive = io.BytesIO()
        np.savez_compressed(archive, **arrays)
        write_atomically(self._directory / name, archive.getvalue())
