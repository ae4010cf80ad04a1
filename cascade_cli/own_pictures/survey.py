"""Facts of a folder of pictures, from the headers of some files and the pixels of a few."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from etils import epath
from PIL import Image, ImageFile

from cascade_tf.data.image_decoding import decode_rgb
from cascade_tf.errors import UserError

SAMPLE = 300  # pictures to open
_DECODED = 40  # pictures to decode
_SECONDS = 10.0  # for all of them, half of it for decoding; large files and buckets take long
_AT_LEAST = 5  # pictures, whatever the time
_GREY = 8  # largest difference of a grey picture's channels: JPEG does not keep them equal
_COLOURED = 1e-3  # largest share of pixels beyond it
_FLAT = 1 / 3  # smallest share of equal neighbours in a drawing; photographs have few
_THUMBNAIL = 256  # pixels


@dataclasses.dataclass(frozen=True)
class Survey:
    """Facts of a folder.

    Attributes:
        pictures: number of pictures in the folder.
        classes: number of its sub-folders with pictures, or 1.
        sizes: (width, height) of each picture that was opened, in pixels.
        unreadable: pictures that could not be opened.
        alpha: pictures with an alpha channel or a transparent colour.
        deep: pictures of 16 bits.
        decoded: pictures whose pixels were looked at.
        grey: those of them without colours.
        drawn: those of them with large areas of a single colour.

    >>> survey = Survey(pictures=3, sizes=((640, 480), (64, 64)), decoded=2)
    >>> survey.described
    '3 pictures, 64x64 to 640x480 pixels, colour'
    """

    pictures: int
    sizes: tuple[tuple[int, int], ...]
    classes: int = 1
    unreadable: int = 0
    alpha: int = 0
    deep: int = 0
    decoded: int = 0
    grey: int = 0
    drawn: int = 0

    @property
    def sides(self) -> np.ndarray:
        """The shorter side of each picture that was opened, ascending."""
        return np.sort(np.min(self.sizes, axis=1))

    @property
    def is_grey(self) -> bool:
        """Whether at least 95% of the decoded pictures are grey."""
        return self.grey >= 0.95 * max(1, self.decoded)

    @property
    def is_drawn(self) -> bool:
        """Whether at least half of the decoded pictures are drawings."""
        return self.drawn >= 0.5 * max(1, self.decoded)

    @property
    def described(self) -> str:
        """The facts in one line."""
        by_area = sorted(self.sizes, key=lambda size: size[0] * size[1])
        ends = {f"{width}x{height}": None for width, height in (by_area[0], by_area[-1])}
        parts = [f"{self.pictures:,} picture{'s' * (self.pictures != 1)}"]
        parts.append(f"{' to '.join(ends)} pixels")
        parts.append(self._colours)
        if self.classes > 1:
            parts.append(f"in {self.classes:,} folders")
        opened = len(self.sizes)
        for count, name in ((self.alpha, "with alpha"), (self.deep, "of 16 bits")):
            if count:
                parts.append(name if count == opened else f"{count} of {opened} {name}")
        if self.unreadable:
            parts.append(f"{self.unreadable} unreadable")
        return ", ".join(parts)

    @property
    def _colours(self) -> str:
        if self.grey in (0, self.decoded):
            return "grey" if self.grey else "colour"
        return f"{self.grey} of {self.decoded} grey"


def survey(
    paths: Sequence[str],
    pictures: int,
    classes: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> Survey:
    """Opens pictures and decodes the first of them, for a few seconds at most.

    Args:
        paths: of a random sample of the folder's pictures; `gs://` works.
        pictures: number of all pictures.
        classes: number of classes.
        clock: the time in seconds.

    Raises:
        UserError: none of them can be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (8, 6), "grey").save(f"{folder}/a.png")
    ...     survey([f"{folder}/a.png"], pictures=1).described
    '1 picture, 8x6 pixels, grey'
    """
    began = clock()
    sizes, alpha, deep, decoded, grey, drawn, unreadable = [], 0, 0, 0, 0, 0, 0
    for number, path in enumerate(paths):
        spent = clock() - began if number >= _AT_LEAST else 0.0
        if spent > _SECONDS:
            break
        try:
            looks_at_pixels = decoded < _DECODED and spent < _SECONDS / 2
            size, has_alpha, is_deep, looks = _facts(path, looks_at_pixels)
        except Exception:  # damaged files raise errors of any type
            unreadable += 1
            continue
        sizes.append(size)
        alpha += has_alpha
        deep += is_deep
        if looks:
            decoded += 1
            grey += looks.is_grey
            drawn += looks.is_drawn
    if not sizes:
        raise UserError(
            f"`data_dir`: no picture can be opened, of {unreadable} tried, such as {paths[0]}: "
            f"use PNG, JPEG or WebP files"
        )
    return Survey(pictures, tuple(sizes), classes, unreadable, alpha, deep, decoded, grey, drawn)


class _Looks(NamedTuple):
    is_grey: bool
    is_drawn: bool


def _facts(path: str, looks_at_pixels: bool) -> tuple[tuple[int, int], bool, bool, _Looks | None]:
    """Size, whether it has alpha, whether it has 16 bits, and its looks, if decoded."""
    try:
        with epath.Path(path).open("rb") as file, Image.open(file) as image:
            size, has_alpha, is_deep = image.size, image.has_transparency_data, _is_deep(image)
            return size, has_alpha, is_deep, _looks(image) if looks_at_pixels else None
    except Exception:  # of any type; the training's decoder takes more, such as large texts
        pixels = Image.fromarray(decode_rgb(epath.Path(path).read_bytes()))
        return pixels.size, False, False, _looks(pixels)


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether a channel has 16 bits; Pillow's mode does not say so for colour."""
    return image.mode.startswith("I") or any(";16" in str(tile[3]) for tile in image.tile)


def _looks(image: Image.Image) -> _Looks:
    """Whether a picture is grey, also in a file of colours, and whether it is a drawing."""
    if image.mode in ("La", "F") or image.mode.startswith("I"):
        return _Looks(is_grey=True, is_drawn=False)  # of many levels
    image.draft("RGB", (_THUMBNAIL, _THUMBNAIL))  # decodes a large JPEG at a fraction of its size
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.NEAREST)
    pixels = np.asarray(image, np.int16)
    equal = (pixels[:, 1:] == pixels[:, :-1]).all(axis=-1)
    is_drawn = equal.size > 0 and float(equal.mean()) >= _FLAT
    return _Looks(_is_grey(pixels), is_drawn)


def _is_grey(pixels: np.ndarray) -> bool:
    if pixels.shape[-1] == 4:  # colours of transparent pixels are not seen
        pixels = pixels[pixels[..., 3] > 0]
    spread = np.ptp(pixels[..., :3], axis=-1)
    return not spread.size or float(np.mean(spread > _GREY)) <= _COLOURED
