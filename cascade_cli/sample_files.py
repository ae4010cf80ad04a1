"""Files of samples, each of them complete at every moment."""

import io
import math
import time
from typing import Any

import numpy as np
from etils import epath

from cascade_tf.files import write_atomically
from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet

NAMES = ("samples.png", "samples.npz", "stages.png", "stages.npz")


def in_a_row(count: int, height: int, width: int) -> int:
    """The number of images in a row that makes a page of `count` images about square.

    >>> in_a_row(100, height=32, width=98), in_a_row(3, height=8, width=26)
    (6, 1)
    """
    return max(1, round(math.sqrt(count * height / width)))


class SampleFiles:
    """Writes samples and their earlier stages, again whenever more are finished.

    Args:
        directory: of the files.
        in_a_row: images in a row of samples.png; None: as many as make it about square.
    """

    def __init__(self, directory: epath.Path, in_a_row: int | None = None):
        self.page = directory / "samples.png"
        self._directory, self._in_a_row = directory, in_a_row
        self._took = 0.0  # by the last write, seconds
        self._ended = float("-inf")

    def write_some(self, columns: dict[str, np.ndarray]) -> None:
        """Calls `write`, unless writing would then take more than a tenth of the time."""
        if time.monotonic() - self._ended >= 9 * self._took:
            self.write(columns)

    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Replaces the files.

        Args:
            columns: of stages.png by name, uint8 [N, h, w, C]; the samples are the last. Those of
                one sample lie side by side.
        """
        began = time.monotonic()
        images = list(columns.values())[-1]
        height, width = images.shape[1:3]
        self._write_arrays("samples.npz", {"images": images})
        if len(columns) > 1:
            self._write_arrays("stages.npz", columns)
        else:
            (self._directory / "stages.npz").unlink(missing_ok=True)  # of an earlier model
        resized = [resize_nearest(x, height, width) for x in columns.values()]
        strips = np.stack([sheet(np.stack(x), len(columns), 1) for x in zip(*resized, strict=True)])
        per_row = in_a_row(*strips.shape[:3])
        self._write_page("stages.png", strips, per_row, 4 if per_row > 1 < len(columns) else 1)
        self._write_page("samples.png", images, self._in_a_row)
        self._ended = time.monotonic()
        self._took = self._ended - began

    def _write_page(self, name: str, images: np.ndarray, columns: int | None, gap: int = 1) -> None:
        page = enlarge(sheet(images, columns=columns, gap=gap))
        write_atomically(self._directory / name, png_bytes(page))

    def _write_arrays(self, name: str, arrays: dict[str, Any]) -> None:
        archive = io.BytesIO()
        np.savez_compressed(archive, **arrays)
        write_atomically(self._directory / name, archive.getvalue())
