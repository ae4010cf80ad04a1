"""The Inception Score (Salimans et al. 2016, section 4): exp of the mean KL(p(y|x) || p(y))."""

import itertools

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.errors import UserError


def inception_score(
    probabilities: np.ndarray, splits: int = 10, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of the score over equal parts of a set.

    Images are shuffled first. Otherwise a part of images in the order of their classes would have
    one class, and the score would be 1.

    Args:
        probabilities: [N, K], of K classes for each image; rows sum to 1.
        splits: number of parts.
        seed: of the shuffle.

    Returns:
        Mean of the scores, which are between 1 and K, and their standard deviation.

    Raises:
        UserError: fewer images than parts, or rows that are no probabilities.
        SettingError: `splits` is below 1.

    >>> inception_score(np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]], splits=1)
    (4.0, 0.0)
    """
    splits = checked_count("splits", splits, at_least=1)
    count = len(probabilities)
    if count < splits:
        raise UserError(
            f"an Inception Score over {splits} splits needs as many images, not {count}"
        )
    p = np.random.default_rng(seed).permutation(probabilities.astype(np.float64))
    # Negated, so that NaN fails too.
    if not (p.ndim == 2 and (p >= 0).all() and (np.abs(p.sum(axis=1) - 1) < 1e-3).all()):
        raise UserError("an Inception Score needs probabilities: 0 or more, summing to 1")
    bounds = [count * i // splits for i in range(splits + 1)]
    scores = [_score(p[start:end]) for start, end in itertools.pairwise(bounds)]
    return float(np.mean(scores)), float(np.std(scores))


def _score(p: np.ndarray) -> float:
    ratio = np.divide(p, p.mean(axis=0), out=np.ones_like(p), where=p > 0)  # 0 log 0 is 0
    return float(np.exp((p * np.log(ratio)).sum(axis=1).mean()))
