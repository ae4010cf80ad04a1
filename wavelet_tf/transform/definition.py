"""Reference implementation of the transform along one axis, in terms of `tf.signal`.

`polyphase.py` computes the same faster. A signal is [A, N, R], transformed along the middle axis.
"""

import numpy as np
import tensorflow as tf

from wavelet_tf.transform.filters import Filters


def analysis(signal: tf.Tensor, filters: Filters) -> tuple[tf.Tensor, tf.Tensor]:
    """Low and high band of a signal: [A, N, R] to two of [A, N/2, R].

    Overlapping frames, two samples apart, are multiplied by the taps.
    """
    length = len(filters.analysis)
    before, after = analysis_margins(filters)
    extended = filters.signal.extend(signal, before, after)
    frames = tf.signal.frame(extended, length, 2, axis=1)  # [A, N/2, L, R]
    low, high = tf.unstack(tf.einsum("akir,ib->bakr", frames, _as(filters.analysis, signal)))
    return low, high


def synthesis(low: tf.Tensor, high: tf.Tensor, filters: Filters) -> tf.Tensor:
    """Signal of a low and a high band: two of [A, N/2, R] to [A, N, R].

    Each coefficient is multiplied by the taps; the products are overlapped and added.
    """
    before, after = synthesis_margins(filters)
    bands = [
        band.extend(x, before, after) for band, x in zip(filters.bands, (low, high), strict=True)
    ]
    taps = _as(filters.synthesis, low)
    frames = tf.einsum("bakr,bi->arki", tf.stack(bands), taps)
    extended = tf.signal.overlap_and_add(frames, 2)  # [A, R, N and margins]
    start = 2 * before - filters.synthesis_start
    signal = extended[:, :, start : start + 2 * tf.shape(low)[1]]
    return tf.transpose(signal, [0, 2, 1])


def analysis_margins(filters: Filters) -> tuple[int, int]:
    """Numbers of samples before the first and after the last that the analysis reads."""
    last = filters.analysis_start + len(filters.analysis) - 1
    return -filters.analysis_start, last - 1


def synthesis_margins(filters: Filters) -> tuple[int, int]:
    """Numbers of coefficients before the first and after the last that affect the signal."""
    last = filters.synthesis_start + filters.synthesis.shape[1] - 1
    return last // 2, (1 - filters.synthesis_start) // 2


def _as(taps: np.ndarray, like: tf.Tensor) -> tf.Tensor:
    return tf.constant(taps, like.dtype)
