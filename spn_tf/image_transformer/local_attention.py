"""Local attention in two dimensions (Parmar et al., 2018, section 3.3 and Figure 2)."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from cascade_tf.computation_order import in_order
from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.dense import Dense
from spn_tf.dot_product_attention import dot_product_attention
from spn_tf.residual_branches import small_weights
from spn_tf.shapes import Shape


class Blocks(NamedTuple):
    """Query blocks of a plane of positions, and the memory around each; all in positions.

    Attributes:
        height, width: of the plane.
        rows, columns: of a block.
        above, beside: rows of memory above a block, and columns on each side of it.
    """

    height: int
    width: int
    rows: int
    columns: int
    above: int
    beside: int

    @property
    def memory(self) -> tuple[int, int]:
        """Rows and columns of a block with its memory."""
        return self.above + self.rows, self.columns + 2 * self.beside

    def corners(self) -> list[tuple[int, int]]:
        """The first row and column of each block, in the order in which blocks are drawn."""
        rows, columns = range(0, self.height, self.rows), range(0, self.width, self.columns)
        return [(row, column) for row in rows for column in columns]

    def is_drawn(self) -> np.ndarray:
        """Whether a place of the memory is drawn when a position of the block is, or is it itself.

        Returns:
            bool [rows * columns, memory rows * memory columns].
        """
        rows, columns = self.memory
        row = np.arange(rows)[:, None] - self.above
        column = np.arange(columns) - self.beside
        earlier_block = (row < 0) | (column < 0)
        inside = (row >= 0) & (column >= 0) & (column < self.columns)
        number = np.where(inside, row * self.columns + column, -1).reshape(-1)
        query = np.arange(self.rows * self.columns)[:, None]
        return earlier_block.reshape(-1) | ((number >= 0) & (number <= query))

    def is_inside(self) -> np.ndarray:
        """Whether a place of each block's memory lies in the plane, bool [blocks, places]."""
        rows, columns = self.memory
        found = []
        for top, left in self.corners():
            row = np.arange(rows)[:, None] + top - self.above
            column = np.arange(columns) + left - self.beside
            found.append(((row >= 0) & (column >= 0) & (column < self.width)).reshape(-1))
        return np.stack(found)


class LocalAttention(SerializableLayer):
    """Multi-head attention of a block's positions to those before in its memory.

    [B, H, W, D] to [B, H, W, D]. A position attends to itself too: its input is what is known
    before it is drawn.

    Args:
        width: D.
        heads: their number.
        blocks: of the plane.

    Example:
        >>> layer = LocalAttention(width=6, heads=2, blocks=Blocks(4, 6, 2, 3, 2, 1))
        >>> layer(tf.zeros([1, 4, 6, 6])).shape
        TensorShape([1, 4, 6, 6])
    """

    def __init__(self, width: int, heads: int, blocks: Blocks, **kwargs: Any):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.width, self.heads, self.blocks = width, heads, Blocks(*blocks)
        self.qkv = Dense(3 * width, use_bias=False, dtype=dtype, name="qkv")
        self.out = Dense(
            width, use_bias=False, kernel_initializer=small_weights(), dtype=dtype, name="out"
        )

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.qkv.build(input_shape)
        self.out.build(input_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        b = self.blocks
        q, k, v = tf.split(self.qkv(x), 3, axis=-1)
        queries = self._queries(q)
        keys, values = (self._by_head(self._memories(each)) for each in (k, v))
        # XLA would fold the whole mask to a constant of the program.
        _, [inside] = in_order([], [tf.constant(b.is_inside())])
        visible = inside[:, None, None] & tf.constant(b.is_drawn())
        scale = (self.width // self.heads) ** -0.5
        read = dot_product_attention(queries, keys, values, scale, visible=visible)
        return self.out(self._joined(read))

    def _queries(self, x: tf.Tensor) -> tf.Tensor:
        """The inverse of `_joined`."""
        b = self.blocks
        down, across = b.height // b.rows, b.width // b.columns
        channels = self.width // self.heads
        grid = tf.reshape(x, [-1, down, b.rows, across, b.columns, self.heads, channels])
        grid = tf.transpose(grid, [0, 1, 3, 5, 2, 4, 6])
        return tf.reshape(grid, [-1, down * across, self.heads, b.rows * b.columns, channels])

    def _memories(self, x: tf.Tensor) -> tf.Tensor:
        """Blocks with the memory around them, [B, H, W, D] to [B, blocks, places, D]."""
        b = self.blocks
        x = tf.pad(x, [[0, 0], [b.above, 0], [b.beside, b.beside], [0, 0]])
        rows, columns = b.memory
        cut = [x[:, r : r + rows, c : c + columns] for r, c in b.corners()]
        return tf.reshape(tf.stack(cut, axis=1), [-1, len(cut), rows * columns, self.width])

    def _by_head(self, x: tf.Tensor) -> tf.Tensor:
        """[B, blocks, places, D] to [B, blocks, heads, places, D / heads]."""
        _, blocks, places, width = x.shape
        x = tf.reshape(x, [-1, blocks, places, self.heads, width // self.heads])
        return tf.transpose(x, [0, 1, 3, 2, 4])

    def _joined(self, x: tf.Tensor) -> tf.Tensor:
        """[B, blocks, heads, places, D / heads] to [B, H, W, D]."""
        b = self.blocks
        down, across = b.height // b.rows, b.width // b.columns
        shape = [-1, down, across, self.heads, b.rows, b.columns, self.width // self.heads]
        x = tf.transpose(tf.reshape(x, shape), [0, 1, 4, 2, 5, 3, 6])
        return tf.reshape(x, [-1, b.height, b.width, self.width])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
