"""Transformer layers over the pixels of a slice (section 3.2; Vaswani et al., 2017, 2018).

Pre-norm, as in tensor2tensor: x + dropout(f(layer_norm(x))) for attention and for the
feed-forward layer. One more normalisation follows the stack.

Shape letters: B batch, T positions (h * w), D width of the residual stream, K heads * channels.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf import recomputation
from spn_tf.dense import Dense
from spn_tf.dot_product_attention import dot_product_attention
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.recomputation import recomputed
from spn_tf.residual_branches import small_weights
from spn_tf.shapes import Shape


def _dense(units: int, **kwargs: Any) -> Dense:
    return Dense(units, use_bias=False, **kwargs)


def _split_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """Splits the last axis into heads, [B, T, K] to [B, heads, T, K / heads]."""
    _, length, width = x.shape
    return tf.transpose(tf.reshape(x, [-1, length, heads, width // heads]), [0, 2, 1, 3])


def _merge_heads(x: tf.Tensor) -> tf.Tensor:
    """The inverse of `_split_heads`, [B, heads, T, k] to [B, T, heads * k]."""
    _, heads, length, channels = x.shape
    return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, length, heads * channels])


class SelfAttention(SerializableLayer):
    """Multi-head dot-product attention, [B, T, D] to [B, T, D].

    Args:
        width: D.
        heads: their number.
        channels: per head.
        causal: whether position t attends to positions 0..t only.

    Example:
        >>> layer = SelfAttention(width=6, heads=2, channels=4, causal=True)
        >>> layer(tf.zeros([1, 5, 6])).shape
        TensorShape([1, 5, 6])
    """

    def __init__(self, width: int, heads: int, channels: int, causal: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width
        self.heads = heads
        self.channels = channels
        self.causal = causal
        self.qkv = _dense(3 * heads * channels, dtype=self.dtype_policy, name="qkv")
        self.out = _dense(
            width, kernel_initializer=small_weights(), dtype=self.dtype_policy, name="out"
        )

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.qkv.build(input_shape)
        self.out.build((*input_shape[:-1], self.heads * self.channels))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        q, k, v = self._queries_keys_values(x)
        read = dot_product_attention(q, k, v, self.channels**-0.5, self.causal)
        if recomputation.by_heads():
            out = tf.reshape(self.out.kernel, [self.heads, self.channels, self.width])
            return tf.einsum("bhtk,hkd->btd", read, out)
        return self.out(_merge_heads(read))

    def _queries_keys_values(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Each [B, heads, T, channels]."""
        if recomputation.by_heads():
            kernels = tf.reshape(self.qkv.kernel, [-1, 3, self.heads, self.channels])
            return [tf.einsum("btd,dhk->bhtk", x, w) for w in tf.unstack(kernels, axis=1)]
        return [_split_heads(part, self.heads) for part in tf.split(self.qkv(x), 3, axis=-1)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class ParameterAttention(SerializableLayer):
    """Feed-forward layer as attention over learned rows (tensor2tensor's `parameter_attention`).

    Each head computes softmax(query keys^T) values, [B, T, D] to [B, T, D]. Queries are a
    projection of x; keys and values are learned, [rows, channels] for each head. There is no
    mask, no bias and no scaling by 1 / sqrt(channels).

    Keys and values start at a standard deviation of D**-0.5 and are scaled up in use, as in
    tensor2tensor. Weights stored at their full scale would learn relatively more slowly, since
    RMSProp's steps do not grow with the weights.

    Args:
        width: D.
        heads: their number.
        channels: per head.
        rows: learned keys and values of each head.

    Example:
        >>> layer = ParameterAttention(width=6, heads=2, channels=4, rows=8)
        >>> layer(tf.zeros([1, 5, 6])).shape
        TensorShape([1, 5, 6])
    """

    def __init__(self, width: int, heads: int, channels: int, rows: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width
        self.heads = heads
        self.channels = channels
        self.rows = rows
        self.query = _dense(heads * channels, dtype=self.dtype_policy, name="query")
        self.out = _dense(
            width, kernel_initializer=small_weights(), dtype=self.dtype_policy, name="out"
        )

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.query.build(input_shape)
        self.out.build((*input_shape[:-1], self.heads * self.channels))
        shape = (self.heads, self.rows, self.channels)
        normal = keras.initializers.RandomNormal(stddev=self.width**-0.5)
        self.keys = self.add_weight(shape=shape, initializer=normal.clone(), name="keys")
        self.values = self.add_weight(shape=shape, initializer=normal.clone(), name="values")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        keys, values = tf.convert_to_tensor(self.keys), tf.convert_to_tensor(self.values)
        if recomputation.by_heads():
            shape = [self.width, self.heads, self.channels]
            pixels = tf.reshape(x, [-1, self.width])
            queries = tf.einsum("nd,dhk->hnk", pixels, tf.reshape(self.query.kernel, shape))
            read = dot_product_attention(queries * self.heads**0.5, keys, values)
            out = tf.reshape(self.out.kernel, [self.heads, self.channels, self.width])
            return tf.reshape(tf.einsum("hnk,hkd->nd", read * self.width**0.5, out), tf.shape(x))
        queries = self._split(self.query(x))
        return self.out(self._merge(dot_product_attention(queries, keys, values), x.shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def read(
        self,
        queries: tf.Tensor,
        with_keys: Callable[[tf.Tensor], tf.Tensor],
        with_values: Callable[[tf.Tensor], tf.Tensor],
        softmax: Callable[[tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """Attends from queries to the learned rows, [..., K] to [..., K], for the cached sampler.

        Args:
            queries: [..., K].
            with_keys: multiplies each head's queries by its keys, [heads, n, K / heads] to
                [heads, n, rows].
            with_values: multiplies attention weights by values, [heads, n, rows] to
                [heads, n, K / heads].
            softmax: over the last axis of the scores, [heads, n, rows].
        """
        split = self._split(queries)
        scores = with_keys(split)  # [heads, B * T, rows]
        weights = softmax(tf.cast(scores, self.variable_dtype))
        read = with_values(tf.cast(weights, queries.dtype))
        return self._merge(read, queries.shape)

    def _split(self, queries: tf.Tensor) -> tf.Tensor:
        """Scaled queries of each head, [..., K] to [heads, n, K / heads]."""
        # Queries and results are scaled, not keys and values: for a single position they are the
        # smaller ones. The positions of all images are the rows of one matrix for each head. With
        # one matrix for each image, XLA copies the attention weights in the backward pass.
        queries = tf.reshape(queries, [-1, self.heads, self.channels]) * self.heads**0.5
        return tf.transpose(queries, [1, 0, 2])

    def _merge(self, read: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
        """Scaled values that were read, [heads, n, K / heads] to [..., K]."""
        read = tf.transpose(read * self.width**0.5, [1, 0, 2])
        return tf.reshape(read, [-1, *shape[1:-1], self.heads * self.channels])


class DenseFeedForward(SerializableLayer):
    """The Transformer's usual feed-forward layer, relu(x W1 + b1) W2 + b2.

    Args:
        width: D, of inputs and outputs.
        hidden: units of the layer in between.

    Example:
        >>> DenseFeedForward(width=6, hidden=8)(tf.zeros([1, 5, 6])).shape
        TensorShape([1, 5, 6])
    """

    def __init__(self, width: int, hidden: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.hidden = width, hidden
        self.inner = Dense(hidden, activation="relu", dtype=self.dtype_policy, name="inner")
        self.out = Dense(
            width, kernel_initializer=small_weights(), dtype=self.dtype_policy, name="out"
        )

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.inner.build(input_shape)
        self.out.build((*input_shape[:-1], self.hidden))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.out(self.inner(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Transformer(SerializableLayer):
    """A stack of self-attention and feed-forward layers, [B, T, D] to [B, T, D].

    Args:
        layers: pairs of a self-attention and a feed-forward layer.
        width: D.
        heads, channels: of attention; channels are per head.
        causal: whether position t attends to positions 0..t only.
        ffn: "parameter_attention" or "dense".
        ffn_size: rows of keys and values, or hidden units.

    Example:
        >>> stack = Transformer(
        ...     layers=1, width=6, heads=2, channels=4, causal=True, ffn="dense", ffn_size=8
        ... )
        >>> stack(tf.zeros([1, 5, 6])).shape
        TensorShape([1, 5, 6])
    """

    def __init__(
        self,
        layers: int,
        width: int,
        heads: int,
        channels: int,
        causal: bool,
        ffn: str,
        ffn_size: int,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.layers, self.width, self.heads, self.channels = layers, width, heads, channels
        self.causal, self.ffn, self.ffn_size = causal, ffn, ffn_size

        def feed_forward(name: str) -> keras.layers.Layer:
            if ffn == "dense":
                return DenseFeedForward(width, ffn_size, dtype=dtype, name=name)
            return ParameterAttention(width, heads, channels, ffn_size, dtype=dtype, name=name)

        self.branches = []
        for i in range(layers):
            attention = SelfAttention(
                width, heads, channels, causal, dtype=dtype, name=f"attention_{i}"
            )
            self.branches += [attention, feed_forward(f"ffn_{i}")]
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, dtype=dtype, name=f"norm_{i}")
            for i in range(2 * layers + 1)
        ]

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        for layer in self.branches + self.norms:
            layer.build(input_shape)
        self.built = True

    def call(self, x: tf.Tensor, dropout: Dropout = no_dropout) -> tf.Tensor:
        for norm, branch in zip(self.norms[:-1], self.branches, strict=True):

            def residual(
                x: tf.Tensor,
                dropout: Dropout,
                norm: keras.Layer = norm,
                branch: keras.Layer = branch,
            ) -> tf.Tensor:
                return dropout.attention(branch(norm(x)))

            x = x + recomputed(residual, x, dropout=dropout)
        return self.norms[-1](x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class PositionEmbedding(SerializableLayer):
    """Adds a learned vector for the row and one for the column, to [B, h, w, D].

    Example:
        >>> PositionEmbedding()(tf.zeros([1, 4, 5, 6])).shape
        TensorShape([1, 4, 5, 6])
    """

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        _, height, width, units = input_shape
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.rows = self.add_weight(
            shape=(height, 1, units), initializer=normal.clone(), name="rows"
        )
        self.columns = self.add_weight(
            shape=(1, width, units), initializer=normal.clone(), name="columns"
        )
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + tf.convert_to_tensor(self.rows) + tf.convert_to_tensor(self.columns)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
