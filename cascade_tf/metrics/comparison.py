"""All metrics of a set of samples and a reference set, named for their feature space."""

import dataclasses

import numpy as np

from cascade_tf.metrics.features import FeatureExtractor
from cascade_tf.metrics.frechet import GaussianStatistics, frechet_distance, gaussian_statistics
from cascade_tf.metrics.inception_score import inception_score
from cascade_tf.metrics.kernel_distance import kernel_distance
from cascade_tf.metrics.precision_recall import precision_recall

PAIRED = 10_000  # first images of each set, for metrics of pairs, whose cost is quadratic


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Attributes:
        figures: metrics by name. In Inception's space "fid", "kid", "kid_deviation",
            "inception_precision" and "inception_recall", and with its classifier "inception_score"
            and "inception_score_deviation"; for pixels "pixel_frechet_distance" and so on.
        cautions: sentences to show with the metrics.
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
        extractor: of the features of both sets.
        samples: [N, D].
        reference: [M, D], or its statistics, which allow only the Frechet distance and the
            Inception Score of the samples.
        seed: of the random subsets for the kernel distance.

    Raises:
        UserError: too few images, different numbers of features, or values that are not finite.

    Example: see `compare_images`.
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
