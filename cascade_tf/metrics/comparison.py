"""All figures that compare a set of samples with a reference set, under the names they may bear."""

import dataclasses

import numpy as np

from cascade_tf.metrics.features import FeatureExtractor
from cascade_tf.metrics.frechet import GaussianStatistics, frechet_distance, gaussian_statistics
from cascade_tf.metrics.inception_score import inception_score
from cascade_tf.metrics.kernel_distance import kernel_distance
from cascade_tf.metrics.precision_recall import precision_recall

PAIRED = 10_000  # images of a set, its first, that figures of pairs are of: they cost its square


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What comparing came to.

    Attributes:
        figures: by name. With Inception "fid", "kid", "kid_deviation", "inception_precision",
            "inception_recall", and with its classifier "inception_score" and
            "inception_score_deviation"; with pixels "pixel_frechet_distance" and so on.
        cautions: sentences to be shown beside the figures.
    """

    figures: dict[str, float]
    cautions: list[str]


def compare(
    extractor: FeatureExtractor,
    samples: np.ndarray,
    reference: np.ndarray | GaussianStatistics,
    seed: int = 0,
) -> Comparison:
    """Compares features of samples [N, D] with those of a reference set.

    Args:
        extractor: that both come from.
        samples: [N, D].
        reference: [M, D]; or its statistics, and then only the Frechet distance compares.
        seed: of the subsets that the kernel distance draws.

    Raises:
        UserError: too few images, different numbers of features, or values not finite.
    """
    features = samples
    ours = gaussian_statistics(features)
    theirs = gaussian_statistics(reference) if isinstance(reference, np.ndarray) else reference
    figures = {extractor.distance_name: frechet_distance(ours, theirs)}
    if isinstance(reference, np.ndarray):
        samples, reference = samples[:PAIRED], reference[:PAIRED]
        kernel, prefix = extractor.kernel_distance_name, extractor.prefix
        figures[kernel], figures[f"{kernel}_deviation"] = kernel_distance(
            samples, reference, seed=seed
        )
        figures[f"{prefix}_precision"], figures[f"{prefix}_recall"] = precision_recall(
            samples, reference
        )
    probabilities = extractor.probabilities(features)
    if probabilities is not None:
        figures["inception_score"], figures["inception_score_deviation"] = inception_score(
            probabilities
        )
    named = {"samples": ours, "reference": theirs}
    cautions = [f"{name}: {each.caution}" for name, each in named.items() if each.caution]
    return Comparison(figures, cautions)
