"""Similarity of pictures up to a shift: windows of one photograph, frames of one video.

Only detail is compared, the difference of a picture and its blurred copy. Pictures of one kind
have their coarse structure in common, such as faces or scanned pages, but not their detail.
"""

import numpy as np
from PIL import Image

SIDE = 32
# The largest similarity to 300 others, median over 32 held-out pictures: 0.93 to 1 for windows of
# photographs that overlap by half or more, 0.99 for frames of a moving camera; 0.6 for windows
# that do not overlap, 0.45 for faces (LFW), 0.74 for MNIST, 0.85 for scikit-learn's 8x8 digits.
NEARLY_EQUAL = 0.92
_BLUR = 7  # side of the box that is subtracted
_LEAST_DETAIL = 1.0  # standard deviation, of intensities from 0 to 255
_LEAST_OVERLAP = 0.45  # of the area; half, less rounding
_LEAST_ENERGY = 0.3  # of the detail of either picture in the overlap


def detail(picture: np.ndarray) -> np.ndarray | None:
    """Detail of a picture at 32x32.

    Args:
        picture: uint8 [h, w, 3].

    Returns:
        float32 [32, 32]; None if there is no detail.

    >>> detail(np.zeros([40, 60, 3], np.uint8)) is None
    True
    """
    filter = Image.Resampling.BOX if min(picture.shape[:2]) >= SIDE else Image.Resampling.BILINEAR
    small = np.asarray(
        Image.fromarray(picture).convert("F").resize((SIDE, SIDE), filter), np.float32
    )
    padded = np.pad(small, _BLUR // 2, mode="edge")
    blurred = np.lib.stride_tricks.sliding_window_view(padded, (_BLUR, _BLUR)).mean((2, 3))
    fine = small - blurred
    return fine if fine.std() >= _LEAST_DETAIL else None


def similarities(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlations of pictures' details, each at its best shift.

    Args:
        some: from `detail`, float32 [M, 32, 32].
        others: float32 [N, 32, 32].

    Returns:
        [M, N], at most 1: two pictures are equal where they overlap. Shifts that leave less than
        about half of a picture are not tried.

    >>> picture = np.random.default_rng(0).normal(size=[40, 32])
    >>> similarities(picture[None, :32], picture[None, 8:]).round(2).tolist()
    [[1.0]]
    """
    ones = np.ones([SIDE, SIDE])
    large_enough = _sums(ones, ones) >= _LEAST_OVERLAP * SIDE**2
    energies = _sums(ones, others**2)  # of each other picture where the two overlap
    usable = energies >= _LEAST_ENERGY * np.sum(others**2, axis=(1, 2), keepdims=True)
    usable &= large_enough
    rows = []
    for one in some:
        energy = _sums(one**2, ones)
        own = usable & (energy >= _LEAST_ENERGY * np.sum(one**2))
        norms = np.sqrt(np.where(own, energy * energies, 1.0))
        rows.append(_peaks(np.where(own, _sums(one, others) / norms, -1.0)))
    return np.stack(rows)


def _sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of products of `a` [32, 32] and `b` [..., 32, 32] at all shifts, [..., 64, 64]."""
    shape = (2 * SIDE, 2 * SIDE)
    return np.fft.irfft2(np.fft.rfft2(a, shape) * np.conj(np.fft.rfft2(b, shape)), shape)


def _peaks(scores: np.ndarray) -> np.ndarray:
    """The largest value of each surface [N, 64, 64], on parabolas through it and its neighbours.

    The best shift is seldom a whole number of pixels.
    """
    number = np.arange(len(scores))
    y, x = np.unravel_index(scores.reshape(len(scores), -1).argmax(1), scores.shape[1:])
    top = scores[number, y, x]
    peaks = top.copy()
    for dy, dx in ((1, 0), (0, 1)):
        before = scores[number, y - dy, x - dx]  # shifts wrap around
        after = scores[number, (y + dy) % (2 * SIDE), (x + dx) % (2 * SIDE)]
        bend = 2 * top - before - after
        inside = (np.minimum(before, after) > -1) & (bend > 0)
        peaks += np.where(inside, (after - before) ** 2 / np.where(inside, 8 * bend, 1), 0)
    return np.minimum(peaks, 1.0)
