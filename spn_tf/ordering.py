"""Subscale ordering of an image's S*S interleaved slices (section 2.2, equation 2).

Slice m = i * S + j holds the pixels at rows i, i + S, ... and columns j, j + S, ...; its
meta-position is (i, j). Slices are generated in raster order over meta-positions.

Shape letters: B images of H x W pixels and C channels; S scale; h = H / S, w = W / S.
"""

import functools

import numpy as np
import tensorflow as tf

from spn_tf.autoregressive_config import AutoregressiveConfig


def to_slices(images: tf.Tensor, config: AutoregressiveConfig) -> tf.Tensor:
    """Images [B, H, W, C] of any dtype in the order in which a model draws them.

    Returns:
        [B, S*S, h, w, C], slices that are drawn one after another, each in raster order. A model
        that draws blocks of pixels has one slice: the blocks on top of each other.
    """
    if config.block is None:
        return image_to_slices(images, config.scale)
    rows, columns = config.block
    _, height, width, channels = images.shape
    grid = tf.reshape(images, [-1, height // rows, rows, width // columns, columns, channels])
    shape = [-1, 1, config.slice_height, config.slice_width, channels]
    return tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4, 5]), shape)


def to_image(slices: tf.Tensor, config: AutoregressiveConfig) -> tf.Tensor:
    """The inverse of `to_slices`: [B, S*S, h, w, C] to [B, H, W, C]; C may be any number."""
    if config.block is None:
        return slices_to_image(slices, config.scale)
    rows, columns = config.block
    down, across = config.height // rows, config.width // columns
    grid = tf.reshape(slices, [-1, down, across, rows, columns, slices.shape[-1]])
    shape = [-1, config.height, config.width, slices.shape[-1]]
    return tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4, 5]), shape)


def places_of(config: AutoregressiveConfig) -> np.ndarray:
    """Row and column in the image of each pixel in the order of drawing, int32 [H * W, 2].

    For a model that draws blocks.

    >>> from spn_tf.image_transformer.config import ImageTransformerConfig
    >>> blocks = dict(transformer_block_rows=2, transformer_block_columns=2)
    >>> places_of(ImageTransformerConfig(height=2, width=4, **blocks))[:5].tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1], [0, 2]]
    """
    assert config.block is not None
    (rows, columns), height, width = config.block, config.height, config.width
    numbers = np.arange(height * width, dtype=np.int32)
    grid = numbers.reshape(height // rows, rows, width // columns, columns)
    order = grid.transpose(0, 2, 1, 3).reshape(-1)
    return np.stack([order // width, order % width], axis=-1)


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
