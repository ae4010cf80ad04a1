"""Random numbers that depend on an example alone, not on its batch or replica.

The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", 2011). It is counter-based, and written in integer operations, which vectorize over a
batch on any device and under XLA. TensorFlow's stateless generators take one seed for a whole
tensor. Mapped over the seeds of examples by tf.vectorized_map, they take several times as long
under XLA on a CPU (benchmarks/libraries.py).
"""

import zlib

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # in even and in odd groups of four rounds
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
    """Two 32-bit random words for each key and counter; uint32 tensors, which broadcast.

    >>> zero = tf.constant(0, tf.uint32)
    >>> [hex(int(word)) for word in threefry((zero, zero), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
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

    # A loop, since LLVM cannot compile all rounds as one expression: its HashRecognize pass follows
    # every path through the operands, of which there are 3**20.
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
    """Uniform numbers in (0, 1), ends excluded, float32 [B, count] or [B, K, count].

    Args:
        seed: int32 scalar.
        stream: name of the purpose; numbers of streams of different names are independent.
        indices: int64 [B], of the examples.
        count: numbers to draw for each example.
        block: int32, 0 or more, scalar or [K]; blocks are consecutive runs of `count` numbers in
            an example's stream.

    >>> alone = uniform(0, "noise", [7], count=3)
    >>> in_batch = uniform(0, "noise", [5, 7], count=3)
    >>> bool(tf.reduce_all(alone[0] == in_batch[1]))
    True
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
    # (23 random bits + 1/2) * 2^-23 is exact in float32, and never 0 or 1.
    mantissa = tf.cast(tf.bitwise.right_shift(bits, _u32(9)), tf.float32)
    return (mantissa + 0.5) * 2.0**-23


def gumbel(
    seed: tf.Tensor | int, stream: str, indices: tf.Tensor, count: int, block: tf.Tensor | int = 0
) -> tf.Tensor:
    """Standard Gumbel noise, float32 [B, count] or [B, K, count]; arguments as for `uniform`.

    argmax(logits + noise) is a draw from softmax(logits) (the Gumbel-max trick).

    >>> gumbel(0, "noise", [0, 1], count=3).shape
    TensorShape([2, 3])
    """
    return -tf.math.log(-tf.math.log(uniform(seed, stream, indices, count, block)))


def dropout(
    x: tf.Tensor, rate: float, seed: tf.Tensor | int, stream: str, indices: tf.Tensor
) -> tf.Tensor:
    """Zeroes units of x [B, ...] with probability `rate` and scales the others by 1/(1-rate).

    The mask is drawn with `uniform`, from `seed`, `stream` and `indices` [B].

    >>> x = dropout(tf.ones([2, 50]), 0.5, seed=0, stream="mask", indices=[0, 1])
    >>> sorted(set(x.numpy().ravel().tolist()))
    [0.0, 2.0]
    """
    units = x.shape[1:].num_elements()
    draws = uniform(seed, stream, indices, units)
    keep = tf.reshape(draws >= rate, [-1, *x.shape[1:]])
    return tf.where(keep, x / (1.0 - rate), tf.zeros_like(x))
