"""Logits of a subpixel as integer probabilities, the same in encoder and decoder.

1. The distance of each logit to the largest is rounded to steps of 1/256: an exponent.
2. A table of integers turns exponents into weights, 2^32 * exp(-exponent / 256), at least 1.
3. `left_cumulatives` divides 2^24 in the proportion of the weights, at least 1 for each class, by
   the rule of constriction's `Categorical(perfect=False)`.

From the exponents on, all numbers are integers, or float64 of which each operation is rounded by
the standard. So two machines that agree on the exponents agree on the code.

Logits of float64 differ between machines by about 1e-13. `exponents` tells which distances are so
close to the boundary between two exponents that such a difference could matter. The encoder then
moves all boundaries by a part of a step, until no distance is close to one.

Shape letters: B images, n classes.
"""

import decimal
import functools

import numpy as np
import tensorflow as tf

STEPS = 256  # of a logit
PRECISION = 24  # bits of a probability
SHIFTS = 16
_LARGEST_WEIGHT = 2**32


@functools.cache
def weight_table() -> np.ndarray:
    """Weights by exponent, float64 of integers, from 2^32 down to 1.

    Decimal numbers of 60 digits: `numpy.exp` differs in its last bit between processors.

    >>> table = weight_table()
    >>> len(table), table[[0, 256, -1]].tolist()
    (5576, [4294967296.0, 1580030169.0, 1.0])
    """
    with decimal.localcontext(decimal.Context(prec=60)):
        ratio, weight = (decimal.Decimal(-1) / STEPS).exp(), decimal.Decimal(1)
        table: list[int] = []
        while not table or table[-1] > 1:
            table.append(int((weight * _LARGEST_WEIGHT).to_integral_value()))
            weight *= ratio
    return np.array(table, np.float64)


def exponents(
    logits: tf.Tensor, shift: tf.Tensor | int = 0, margin: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Distances of logits to the largest, in steps.

    Args:
        logits: float32 or float64 [B, n].
        shift: int32 scalar in [0, SHIFTS), of the boundaries between exponents.
        margin: in steps.

    Returns:
        Exponents, int32 [B, n], in the range of the table; and which images have a distance within
        the margin of a boundary, bool [B].

    >>> logits = tf.constant([[0, -0.25, -0.75 / 256], [-1.5 / 256, 0, -9.25]])
    >>> own, unsure = exponents(logits, margin=0.01)
    >>> own.numpy().tolist(), unsure.numpy().tolist()
    ([[0, 64, 1], [2, 0, 2368]], [False, True])
    """
    steps = (tf.reduce_max(logits, axis=-1, keepdims=True) - logits) * STEPS
    steps = tf.minimum(steps, len(weight_table()) - 1)
    steps += 0.5 + tf.cast(shift, steps.dtype) / (2 * SHIFTS)
    lower = tf.floor(steps)
    above = steps - lower
    unsure = tf.reduce_any(tf.minimum(above, 1 - above) < margin, axis=-1)
    return tf.cast(lower, tf.int32), unsure


def left_cumulatives(exponents: tf.Tensor) -> tf.Tensor:
    """Bounds of the classes' shares of 2^24, int64 [B, n + 1], from exponents [B, n].

    >>> left_cumulatives(tf.constant([[0, 0, 5000, 0]])).numpy().tolist()
    [[0, 5592404, 11184809, 11184811, 16777216]]
    """
    classes = exponents.shape[-1]
    weights = tf.gather(tf.constant(weight_table()), exponents)
    sums = tf.cumsum(weights, axis=-1)  # exact: below 2^53
    scale = tf.constant(float(2**PRECISION - classes), tf.float64) / sums[:, -1:]
    inner = tf.cast(sums[:, :-1] * scale, tf.int64) + tf.range(1, classes, dtype=tf.int64)
    zeros = tf.zeros_like(inner[:, :1])
    return tf.concat([zeros, inner, zeros + 2**PRECISION], axis=-1)
