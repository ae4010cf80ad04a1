"""Fast implementation of `definition.py`, the transform along one axis, by polyphase components.

The even and the odd samples are two signals of half the length (`tf.signal.frame(x, 2, 2)`). A
filter with steps of two becomes a sum of shifted copies of them, which XLA fuses into one loop.
Only the two ends need samples from beyond the signal. They are computed separately, since
extending the whole signal would copy it.

A signal is [A, N, R], transformed along the middle axis.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

from wavelet_tf.transform.definition import analysis_margins, synthesis_margins
from wavelet_tf.transform.extension import Extension
from wavelet_tf.transform.filters import Filters


def analysis(signal: tf.Tensor, filters: Filters) -> tuple[tf.Tensor, tf.Tensor]:
    """Low and high band of a signal: [A, N, R] to two of [A, N/2, R]."""
    before, after = analysis_margins(filters)
    skipped = before % 2  # so that every part begins at an even sample
    before, after = before + skipped, after + after % 2

    def bands(extended: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        a, n, r = shape_of(extended[0])
        phases = tf.reshape(extended[0], [a, n // 2, 2, r])
        half = (n - before - after) // 2
        return [
            _sum(
                tap * phases[:, place // 2 : place // 2 + half, place % 2]
                for place, tap in enumerate(taps, skipped)
                if tap
            )
            for taps in filters.analysis.T.tolist()
        ]

    low, high = _by_parts([signal], [filters.signal], before, after, bands)
    return low, high


def synthesis(low: tf.Tensor, high: tf.Tensor, filters: Filters) -> tf.Tensor:
    """Signal of a low and a high band: two of [A, N/2, R] to [A, N, R]."""
    before, after = synthesis_margins(filters)

    def signal(extended: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        a, n, r = shape_of(extended[0])
        half = n - before - after

        def phase(parity: int) -> tf.Tensor:
            """Samples 2k + parity of the signal; coefficient k + d has offset parity - 2d."""
            return _sum(
                tap * band[:, before + d : before + d + half]
                for band, taps in zip(extended, filters.synthesis.tolist(), strict=True)
                for offset, tap in enumerate(taps, filters.synthesis_start)
                for d in [(parity - offset) // 2]
                if tap and offset % 2 == parity
            )

        return [tf.reshape(tf.stack([phase(0), phase(1)], axis=2), [a, 2 * half, r])]

    return _by_parts([low, high], filters.bands, before, after, signal)[0]


def _by_parts(
    signals: Sequence[tf.Tensor],
    extensions: Sequence[Extension],
    before: int,
    after: int,
    compute: Callable[[Sequence[tf.Tensor]], list[tf.Tensor]],
) -> list[tf.Tensor]:
    """Applies `compute` to extended signals, to the ends and the middle separately.

    Args:
        signals: [A, N, R] each.
        extensions: extension of each signal.
        before, after: extra samples that `compute` reads before and after its output's range.
        compute: signals [A, before + M + after, R] to results of length proportional to M.
    """
    length, ends = signals[0].shape[1], before + after
    if length is None or length <= ends:
        pairs = zip(signals, extensions, strict=True)
        return compute([extension.extend(signal, before, after) for signal, extension in pairs])
    parts: list[list[tf.Tensor]] = [[], [], []]
    for signal, extension in zip(signals, extensions, strict=True):
        left, right = extension.sides(signal, before, after)
        parts[0].append(tf.concat([left, signal[:, :ends]], axis=1))
        parts[1].append(signal)
        parts[2].append(tf.concat([signal[:, length - ends :], right], axis=1))
    return [tf.concat(pieces, axis=1) for pieces in zip(*map(compute, parts), strict=True)]


def _sum(terms: Iterable[tf.Tensor]) -> tf.Tensor:
    return functools.reduce(operator.add, terms)


def shape_of(x: tf.Tensor) -> list[int | tf.Tensor]:
    """Shape of a tensor: integers where it is static, scalar tensors elsewhere."""
    dynamic = tf.shape(x)
    return [dynamic[i] if side is None else side for i, side in enumerate(x.shape)]
