"""Random numbers that belong to an example, not to the replica or batch that draws them.

A counter-based generator, Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", 2011), written in plain integer operations so that one vectorized
expression serves a whole batch, on any device and under XLA. TensorFlow's stateless generators
take one seed for a whole tensor. A vectorized map of them, with a seed for each example, draws as
well, but under XLA on a CPU it takes several times as long (benchmarks/libraries.py).
"""

import zlib

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # of even and of odd groups of four rounds
_GROUPS = 5
_PARITY = 0x1BD11BDA


def _u32(value: int | tuple[int, ...]) -> tf.Tensor:
    return tf.constant(value, tf.uint32)


def _rotate(x: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_or(
        tf.bitwise.left_shift(x, bits), tf.bitwise.right_shift(x, _u32(32) - bits)
    )


def threefry(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Two words of 32 random bits for each key and counter; uint32 tensors that broadcast."""
    xor = tf.bitwise.bitwise_xor
    third = xor(xor(key[0], key[1]), _u32(_PARITY))
    keys = (key[0] + tf.zeros_like(third), key[1] + tf.zeros_like(third), third)
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    x, y = x + tf.zeros_like(y), y + tf.zeros_like(x)

    def group(
        number: tf.Tensor, x: tf.Tensor, y: tf.Tensor, keys: tuple, rotations: tuple
    ) -> tuple:
        for k in range(4):
            x = x + y
            y = xor(_rotate(y, rotations[0][k]), x)
        keys = (*keys[1:], keys[0])
        number = number + 1
        return number, x + keys[0], y + keys[1] + number, keys, rotations[::-1]

    # A loop, for all rounds in one expression are more than LLVM, behind XLA, can compile: it looks
    # for recurrences along every path through the operands (HashRecognize), which are 3**20.
    _, x, y, _, _ = tf.while_loop(
        lambda number, *_: number < _GROUPS,
        group,
        (_u32(0), x, y, keys, tuple(map(_u32, _ROTATIONS))),
        maximum_iterations=_GROUPS,
    )
    return x, y


def uniform(
    seed: tf.Tensor | int, stream: str, indices: tf.Tensor, count: int, block: tf.Tensor | int = 0
) -> tf.Tensor:
    """Numbers in (0, 1), neither end reached, float32 [B, count], or [B, K, count].

    Args:
        seed: int32 scalar.
        stream: what the numbers are for: equal seeds and examples give independent numbers in
            streams of different names.
        indices: int64 [B], the examples.
        count: how many numbers of each example's stream.
        block: int32 scalar, or [K], not negative: which of its blocks of `count` numbers.
    """
    block = tf.convert_to_tensor(block, tf.int32)
    indices = tf.convert_to_tensor(indices, tf.int64)
    indices = tf.reshape(indices, [-1, *[1] * block.shape.rank, 1])
    low = tf.cast(tf.bitwise.bitwise_and(indices, 0xFFFFFFFF), tf.uint32)
    high = tf.cast(tf.bitwise.right_shift(indices, tf.constant(32, tf.int64)), tf.uint32)
    key = (
        tf.bitcast(tf.convert_to_tensor(seed, tf.int32), tf.uint32),
        tf.bitwise.bitwise_xor(_u32(zlib.crc32(stream.encode())), high),
    )
    pairs = -(-count // 2)
    counters = tf.cast(block[..., None] * pairs + tf.range(pairs), tf.uint32)
    bits = tf.concat(threefry(key, (low, counters[None])), axis=-1)[..., :count]
    # 23 random bits and a half: exact in float32 and never 0 or 1.
    mantissa = tf.cast(tf.bitwise.right_shift(bits, _u32(9)), tf.float32)
    return (mantissa + 0.5) * 2.0**-23


def gumbel(
    seed: tf.Tensor | int, stream: str, indices: tf.Tensor, count: int, block: tf.Tensor | int = 0
) -> tf.Tensor:
    """Standard Gumbel noise, float32 [B, count] or [B, K, count]; arguments as for `uniform`.

    argmax(logits + noise) is a draw from softmax(logits).
    """
    return -tf.math.log(-tf.math.log(uniform(seed, stream, indices, count, block)))


def dropout(
    x: tf.Tensor, rate: float, seed: tf.Tensor | int, stream: str, indices: tf.Tensor
) -> tf.Tensor:
    """Zeroes units of x [B, ...] with probability `rate`, scaling the others up by 1/(1-rate)."""
    units = x.shape[1:].num_elements()
    draws = uniform(seed, stream, indices, units)
    keep = tf.reshape(draws >= rate, [-1, *x.shape[1:]])
    return tf.where(keep, x / (1.0 - rate), tf.zeros_like(x))
