"""All metrics of a set of samples and a reference set, named for their feature space."""

import dataclasses

import numpy as np

from cascade_tf.metrics.density_coverage import NEIGHBOURS, density_coverage
from cascade_tf.metrics.features import FeatureExtractor
from cascade_tf.metrics.frechet import GaussianStatistics, frechet_distance, gaussian_statistics
from cascade_tf.metrics.inception_score import inception_score
from cascade_tf.metrics.kernel_distance import kernel_distance
from cascade_tf.metrics.precision_recall import precision_recall
from cascade_tf.metrics.sliced_distance import sliced_distance

PAIRED = 10_000  # images of each set for neighbours, whose cost is quadratic


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Attributes:
        figures: metrics by name. In Inception's space "fid", "kid", "kid_deviation", "mind",
            "inception_precision", "inception_recall", "inception_density" and
            "inception_coverage", and with its classifier "inception_score" and
            "inception_score_deviation"; for pixels "pixel_frechet_distance" and so on. The kernel
            distance's deviation is None if it is of one subset, which is all images. Density and
            coverage need more than five images of each set.
        cautions: sentences to show with the metrics.
    """

    figures: dict[str, float | None]
    cautions: list[str]


def compare(
    extractor: FeatureExtractor,
    samples: np.ndarray,
    reference: np.ndarray | GaussianStatistics,
    seed: int = 0,
) -> Comparison:
    """Compares features of samples [N, D] with those of a reference set.

    Precision, recall, density and coverage are of at most 10,000 images of each set. They are
    drawn at random, and a caution says so. All other metrics are of all images.

    Args:
        extractor: of the features of both sets.
        samples: [N, D].
        reference: [M, D], or its statistics, which allow only the Frechet distance and the
            Inception Score of the samples.
        seed: of all random subsets, of the directions of the sliced distance, and of the parts
            for the Inception Score. Images may be in any order, such as that of their classes.

    Raises:
        UserError: too few images, different numbers of features, or values that are not finite.

    Example: see `compare_images`.
    """
    ours = gaussian_statistics(samples)
    theirs = gaussian_statistics(reference) if isinstance(reference, np.ndarray) else reference
    figures: dict[str, float | None] = {extractor.distance_name: frechet_distance(ours, theirs)}
    named = {"samples": ours, "reference": theirs}
    cautions = [f"{name}: {each.caution}" for name, each in named.items() if each.caution]
    if isinstance(reference, np.ndarray):
        kernel, prefix = extractor.kernel_distance_name, extractor.prefix
        figures[kernel], figures[f"{kernel}_deviation"] = kernel_distance(
            samples, reference, seed=seed
        )
        figures[extractor.sliced_distance_name] = sliced_distance(samples, reference, seed=seed)
        drawn = _drawn(samples, seed), _drawn(reference, seed)
        figures[f"{prefix}_precision"], figures[f"{prefix}_recall"] = precision_recall(*drawn)
        if min(len(samples), len(reference)) > NEIGHBOURS:
            figures[f"{prefix}_density"], figures[f"{prefix}_coverage"] = density_coverage(*drawn)
        cautions += [
            f"{name}: precision, recall, density and coverage are of {PAIRED:,} images, drawn from "
            f"{len(each):,}"
            for name, each in {"samples": samples, "reference": reference}.items()
            if len(each) > PAIRED
        ]
    probabilities = extractor.probabilities(samples)
    if probabilities is not None:
        figures["inception_score"], figures["inception_score_deviation"] = inception_score(
            probabilities, seed=seed
        )
    return Comparison(figures, cautions)


def _drawn(features: np.ndarray, seed: int) -> np.ndarray:
    """Features [n, D] of at most PAIRED images, drawn at random."""
    if len(features) <= PAIRED:
        return features
    return features[np.random.default_rng(seed).choice(len(features), PAIRED, replace=False)]
