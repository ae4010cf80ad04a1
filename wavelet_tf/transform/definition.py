"""The transform along one axis, as `tf.signal` says it: what `polyphase.py` computes faster.

A signal is [A, N, R]: the transform goes along the middle axis.
"""

import numpy as np
import tensorflow as tf

from wavelet_tf.transform.filters import Filters


def analysis(signal: tf.Tensor, filters: Filters) -> tuple[tf.Tensor, tf.Tensor]:
    """Overlapping frames, two samples apart, times the taps: [A, N, R] to two of [A, N/2, R]."""
    length = len(filters.analysis)
    before, after = analysis_margins(filters)
    extended = filters.signal.extend(signal, before, after)
    frames = tf.signal.frame(extended, length, 2, axis=1)  # [A, N/2, L, R]
    low, high = tf.unstack(tf.einsum("akir,ib->bakr", frames, _as(filters.analysis, signal)))
    return low, high


def synthesis(low: tf.Tensor, high: tf.Tensor, filters: Filters) -> tf.Tensor:
    """Taps times each coefficient, overlapped and added: two of [A, N/2, R] to [A, N, R]."""
    before, after = synthesis_margins(filters)
    bands = [
        band.extend(x, before, after) for band, x in zip(filters.bands, (low, high), strict=True)
    ]
    taps = _as(filters.synthesis, low)
    frames = tf.einsum("bakr,bi->arki", tf.stack(bands), taps)
    extended = tf.signal.overlap_and_add(frames, 2)  # [A, R, ...], more than N
    start = 2 * before - filters.synthesis_start
    signal = extended[:, :, start : start + 2 * tf.shape(low)[1]]
    return tf.transpose(signal, [0, 2, 1])


def analysis_margins(filters: Filters) -> tuple[int, int]:
    """How many samples before the first and after the last the analysis reads."""
    last = filters.analysis_start + len(filters.analysis) - 1
    return -filters.analysis_start, last - 1


def synthesis_margins(filters: Filters) -> tuple[int, int]:
    """How many coefficients before the first and after the last reach into the signal."""
    last = filters.synthesis_start + filters.synthesis.shape[1] - 1
    return last // 2, (1 - filters.synthesis_start) // 2


def _as(taps: np.ndarray, like: tf.Tensor) -> tf.Tensor:
    return tf.constant(taps, like.dtype)
