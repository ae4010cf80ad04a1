"""The transform along one axis by polyphase components: `definition.py`, computed fast.

Every second sample from the first on, and every second from the second on, are two signals of
half the length (`tf.signal.frame(x, 2, 2)`). A filter with steps of two becomes sums of these,
shifted, which XLA makes one loop of.

A signal is [A, N, R]: the transform goes along the middle axis.
"""

import functools
import operator
from collections.abc import Iterable

import tensorflow as tf

from wavelet_tf.transform.definition import analysis_margins, synthesis_margins
from wavelet_tf.transform.filters import Filters


def analysis(signal: tf.Tensor, filters: Filters) -> tuple[tf.Tensor, tf.Tensor]:
    """[A, N, R] to the low and the high band, [A, N/2, R] each."""
    before, after = analysis_margins(filters)
    extended = filters.signal.extend(signal, before, after + (before + after) % 2)
    a, n, r = shape_of(extended)
    phases = tf.reshape(extended, [a, n // 2, 2, r])
    half = shape_of(signal)[1] // 2
    low, high = [
        _sum(
            tap * phases[:, place // 2 : place // 2 + half, place % 2]
            for place, tap in enumerate(taps)
            if tap
        )
        for taps in filters.analysis.T.tolist()
    ]
    return low, high


def synthesis(low: tf.Tensor, high: tf.Tensor, filters: Filters) -> tf.Tensor:
    """The low and the high band, [A, N/2, R] each, to [A, N, R]."""
    before, after = synthesis_margins(filters)
    a, half, r = shape_of(low)
    bands = [
        band.extend(x, before, after) for band, x in zip(filters.bands, (low, high), strict=True)
    ]

    def phase(parity: int) -> tf.Tensor:
        """Samples 2k + parity of the signal: those offsets o reach of coefficient k + d."""
        terms = []
        for band, taps in zip(bands, filters.synthesis.tolist(), strict=True):
            for offset, tap in enumerate(taps, filters.synthesis_start):
                if tap and offset % 2 == parity:
                    first = before - (offset - parity) // 2
                    terms.append(tap * band[:, first : first + half])
        return _sum(terms)

    return tf.reshape(tf.stack([phase(0), phase(1)], axis=2), [a, 2 * half, r])


def _sum(terms: Iterable[tf.Tensor]) -> tf.Tensor:
    return functools.reduce(operator.add, terms)


def shape_of(x: tf.Tensor) -> list[int | tf.Tensor]:
    """Its sides: numbers where they are known, scalars elsewhere."""
    dynamic = tf.shape(x)
    return [dynamic[i] if side is None else side for i, side in enumerate(x.shape)]
