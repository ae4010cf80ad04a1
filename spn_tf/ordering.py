"""Subscale ordering of an image's S*S interleaved slices (section 2.2, equation 2).

Slice m = i * S + j holds the pixels at rows i, i + S, ... and columns j, j + S, ...; its
meta-position is (i, j). Slices are generated in raster order over meta-positions.

Shape letters: B images of H x W pixels and C channels; S scale; h = H / S, w = W / S.
"""

import functools

import numpy as np
import tensorflow as tf


def image_to_slices(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Cuts images [B, H, W, C] of any dtype into slices [B, S*S, H/S, W/S, C].

    H and W must be divisible by `scale`.

    >>> image_to_slices(tf.reshape(tf.range(8), [1, 2, 4, 1]), scale=2).numpy()[0, :, 0, :, 0]
    array([[0, 2],
           [1, 3],
           [4, 6],
           [5, 7]], dtype=int32)
    """
    _, height, width, channels = images.shape
    h, w = height // scale, width // scale
    grid = tf.reshape(images, [-1, h, scale, w, scale, channels])
    return tf.reshape(tf.transpose(grid, [0, 2, 4, 1, 3, 5]), [-1, scale**2, h, w, channels])


def slices_to_image(slices: tf.Tensor, scale: int) -> tf.Tensor:
    """The inverse of `image_to_slices`: [B, S*S, h, w, C] to [B, S*h, S*w, C].

    >>> slices_to_image(tf.reshape(tf.range(4), [1, 4, 1, 1, 1]), scale=2).numpy()[0, :, :, 0]
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    _, _, h, w, channels = slices.shape
    grid = tf.reshape(slices, [-1, scale, scale, h, w, channels])
    return tf.reshape(tf.transpose(grid, [0, 3, 1, 4, 2, 5]), [-1, h * scale, w * scale, channels])


def relative_offsets(scale: int) -> list[tuple[int, int]]:
    """The meta-offsets (di, dj) that a preceding slice can have, one for each slot.

    In rows above, every column offset is possible; in the same row, only negative ones. These
    are 2*S*(S-1) offsets, in raster order.

    >>> relative_offsets(2)
    [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
    """
    above = [(di, dj) for di in range(1 - scale, 0) for dj in range(1 - scale, scale)]
    return above + [(0, dj) for dj in range(1 - scale, 0)]


@functools.cache
def slot_table(scale: int) -> np.ndarray:
    """The slice in each slot, for each target (section 3.2, Figure 4a).

    A slot belongs to one relative offset. So the slice above a target, for example, is in the same
    slot for every target.

    >>> slot_table(2)[3]
    array([0, 1, 4, 2], dtype=int32)

    Returns:
        int32 [S*S, 2*S*(S-1)]: entry [m, k] is the slice at offset `relative_offsets(S)[k]`
        from target m. It is S*S, the number of the empty slice, if there is none.
    """
    offsets = relative_offsets(scale)
    table = np.full((scale**2, len(offsets)), scale**2, np.int32)
    for target in range(scale**2):
        for slot, (di, dj) in enumerate(offsets):
            i, j = target // scale + di, target % scale + dj
            if i >= 0 and 0 <= j < scale:
                table[target, slot] = i * scale + j
    return table
