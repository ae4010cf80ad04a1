"""Dropout of a network's residual branches."""

import copy

import tensorflow as tf

from cascade_tf import randomness


class Dropout:
    """No dropout: that of evaluation and sampling."""

    def attention(self, x: tf.Tensor) -> tf.Tensor:
        """x, the output of a residual branch of an attention stack, [B, ...]."""
        return x

    def convolution(self, x: tf.Tensor) -> tf.Tensor:
        """x, hidden units of a residual branch of convolutions, [B, ...]."""
        return x

    def copy(self) -> "Dropout":
        """A dropout that draws the masks that this one will draw."""
        return self


class KeyedDropout(Dropout):
    """Dropout whose masks differ by layer and example.

    Args:
        attention_rate, convolution_rate: in [0, 1).
        seed: of the masks.
        stream: name of the masks.
        indices: int64 [B], of the examples.

    >>> indices = tf.range(2, dtype=tf.int64)
    >>> dropout = KeyedDropout(0.5, 0.0, seed=0, stream="spn", indices=indices)
    >>> sorted(set(dropout.attention(tf.ones([2, 50])).numpy().ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(
        self,
        attention_rate: float,
        convolution_rate: float,
        seed: int,
        stream: str,
        indices: tf.Tensor,
    ):
        self._attention_rate, self._convolution_rate = attention_rate, convolution_rate
        self._seed, self._stream, self._indices = seed, stream, indices
        self._layers = {"dropout": 0, "convolution_dropout": 0}

    def attention(self, x: tf.Tensor) -> tf.Tensor:
        return self._masked(x, self._attention_rate, "dropout")

    def convolution(self, x: tf.Tensor) -> tf.Tensor:
        return self._masked(x, self._convolution_rate, "convolution_dropout")

    def copy(self) -> "KeyedDropout":
        other = copy.copy(self)
        other._layers = dict(self._layers)
        return other

    def _masked(self, x: tf.Tensor, rate: float, kind: str) -> tf.Tensor:
        if not rate:
            return x
        stream = f"{self._stream}/{kind}/{self._layers[kind]}"
        self._layers[kind] += 1
        return randomness.dropout(x, rate, self._seed, stream, self._indices)


no_dropout = Dropout()
