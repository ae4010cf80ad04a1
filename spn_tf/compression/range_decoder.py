"""constriction's range decoder, in graphs that XLA compiles.

The library decodes symbol by symbol on the host, but the logits of the next symbol need this one.
So its `RangeDecoder` (words of 32 bits, a state of 64) is written here with TensorFlow's integers;
the tests compare the two. The encoder is the library's own.

Shape letters: B images, W words of a stream.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from spn_tf.compression.integer_probabilities import PRECISION

_WORD = 32


class RangeState(NamedTuple):
    """The decoder between two symbols, scalars.

    Attributes:
        low, size: uint64, the interval of codes that is left.
        point: uint64, the 64 bits of the code in it.
        position: int32, of the next word.
    """

    low: tf.Tensor
    size: tf.Tensor
    point: tf.Tensor
    position: tf.Tensor


def start(words: np.ndarray) -> RangeState:
    """The state before the first symbol of a stream, uint32 [W]."""
    first, second = (int(word) for word in [*words[:2], 0, 0][:2])
    low, size, point = (
        tf.constant(number, tf.uint64) for number in (0, 2**64 - 1, first << _WORD | second)
    )
    return RangeState(low, size, point, tf.constant(2))


def decode(
    state: RangeState, words: tf.Tensor, cumulatives: tf.Tensor, count: tf.Tensor
) -> tuple[RangeState, tf.Tensor]:
    """Decodes a symbol of each image, one after another.

    Args:
        state: of the decoder.
        words: uint32 [W]; zeros follow.
        cumulatives: int64 [B, classes + 1], as of `left_cumulatives`.
        count: int32 scalar, images that the stream holds; the others have symbol 0.

    Returns:
        The next state, and the symbols, int32 [B].
    """
    images, classes = cumulatives.shape[0], cumulatives.shape[1] - 1
    last = words.shape[0] - 1

    def decode_one(image: tf.Tensor, state: RangeState, symbols: tf.Tensor) -> tuple:
        bounds = cumulatives[image]
        unit = tf.bitwise.right_shift(state.size, tf.constant(PRECISION, tf.uint64))
        quantile = tf.cast((state.point - state.low) // unit, tf.int64)
        symbol = tf.reduce_sum(tf.cast(bounds[1:classes] <= quantile, tf.int32))
        # Not by [], whose indices XLA wants when it compiles: it would compile for each of them.
        share = tf.cast(tf.gather(bounds, [symbol, symbol + 1]), tf.uint64)
        left, right = share[0], share[1]
        low, size = state.low + unit * left, unit * (right - left)
        word = tf.cast(tf.gather(words, tf.minimum(state.position, last)), tf.uint64)
        word = tf.where(state.position <= last, word, 0)
        is_small = size < tf.constant(2**_WORD, tf.uint64)
        state = RangeState(
            tf.where(is_small, _raised(low), low),
            tf.where(is_small, _raised(size), size),
            tf.where(is_small, tf.bitwise.bitwise_or(_raised(state.point), word), state.point),
            state.position + tf.cast(is_small, tf.int32),
        )
        return image + 1, state, tf.where(tf.range(images) == image, symbol, symbols)

    _, state, symbols = tf.while_loop(
        lambda image, *_: image < count,
        decode_one,
        (tf.constant(0), state, tf.zeros([images], tf.int32)),
        maximum_iterations=images,
    )
    return state, symbols


def _raised(number: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.left_shift(number, tf.constant(_WORD, tf.uint64))
