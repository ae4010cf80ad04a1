"""Pictures of any size as tiles of a model's size."""

import numpy as np


def count_tiles(height: int, width: int, tile: tuple[int, int]) -> int:
    """The number of tiles (h, w) that cover a picture.

    >>> count_tiles(65, 128, (32, 32))
    12
    """
    return -(-height // tile[0]) * -(-width // tile[1])


def with_channels(picture: np.ndarray, channels: int) -> np.ndarray:
    """A picture [H, W, C] with other channels: all of them are the first one, unless C is right.

    >>> grey = np.zeros([2, 2, 1], np.uint8)
    >>> with_channels(with_channels(grey, 3), 1).shape
    (2, 2, 1)
    """
    if picture.shape[-1] == channels:
        return picture
    return np.repeat(picture[..., :1], channels, axis=-1)


def keeps_colours(picture: np.ndarray, channels: int) -> bool:
    """Whether a picture [H, W, C] comes back from another number of channels.

    >>> grey, red = np.array([[[5, 5, 5]]]), np.array([[[5, 0, 0]]])
    >>> keeps_colours(grey, 1), keeps_colours(red, 1)
    (True, False)
    """
    own = picture.shape[-1]
    return own in (1, 3) and np.array_equal(
        with_channels(with_channels(picture, channels), own), picture
    )


def to_tiles(picture: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Cuts a picture [H, W, C] into tiles [N, h, w, C], row by row.

    The last row and column are repeated where a tile reaches beyond the picture: such pixels cost
    little.

    >>> to_tiles(np.arange(6).reshape(2, 3, 1), (2, 2))[..., 0].tolist()
    [[[0, 1], [3, 4]], [[2, 2], [5, 5]]]
    """
    (height, width, channels), (h, w) = picture.shape, tile
    padded = np.pad(picture, ((0, -height % h), (0, -width % w), (0, 0)), mode="edge")
    rows, columns = padded.shape[0] // h, padded.shape[1] // w
    tiles = padded.reshape(rows, h, columns, w, channels).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, h, w, channels))


def from_tiles(tiles: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture [H, W, C] whose tiles are [N, h, w, C]: the inverse of `to_tiles`.

    >>> picture = np.arange(15).reshape(5, 3, 1)
    >>> (from_tiles(to_tiles(picture, (2, 2)), 5, 3) == picture).all()
    np.True_
    """
    _, h, w, channels = tiles.shape
    rows, columns = -(-height // h), -(-width // w)
    whole = tiles.reshape(rows, columns, h, w, channels).swapaxes(1, 2)
    return whole.reshape(rows * h, columns * w, channels)[:height, :width]
