import numpy as np
import pytest

from cascade_tf.metrics import comparison
from cascade_tf.metrics.comparison import compare
from cascade_tf.metrics.density_coverage import density_coverage
from cascade_tf.metrics.frechet import frechet_distance, gaussian_statistics
from cascade_tf.metrics.inception import InceptionFeatures
from cascade_tf.metrics.inception_score import inception_score
from cascade_tf.metrics.kernel_distance import kernel_distance
from cascade_tf.metrics.pixel_features import PixelFeatures
from cascade_tf.metrics.precision_recall import precision_recall
from cascade_tf.metrics.sliced_distance import sliced_distance


def _features(count, seed=0, size=5):
    return np.random.default_rng(seed).standard_normal([count, size]).astype(np.float32)


def _inception(head=None):
    return InceptionFeatures(lambda images: images, "12ab", head)


def test_with_inception_the_figures_have_the_published_names():
    samples, reference = _features(20), _features(30, seed=1)
    figures = compare(_inception(), samples, reference, seed=3).figures
    kid = kernel_distance(samples, reference, seed=3)
    precision = precision_recall(samples, reference)
    density = density_coverage(samples, reference)
    fid = frechet_distance(gaussian_statistics(samples), gaussian_statistics(reference))
    assert figures == {
        "fid": fid,
        "kid": kid[0],
        "kid_deviation": kid[1],
        "mind": sliced_distance(samples, reference, seed=3),
        "inception_precision": precision[0],
        "inception_recall": precision[1],
        "inception_density": density[0],
        "inception_coverage": density[1],
    }


def test_without_weights_no_figure_has_a_published_name():
    figures = compare(PixelFeatures((8, 8, 1)), _features(20), _features(30, seed=1)).figures
    assert list(figures) == [
        "pixel_frechet_distance",
        "pixel_kernel_distance",
        "pixel_kernel_distance_deviation",
        "pixel_sliced_distance",
        "pixel_precision",
        "pixel_recall",
        "pixel_density",
        "pixel_coverage",
    ]


def test_a_classifier_adds_the_inception_score():
    head = np.random.default_rng(0).standard_normal([5, 4])
    extractor = _inception(head)
    samples = _features(20)
    figures = compare(extractor, samples, _features(30, seed=1)).figures
    expected = inception_score(extractor.probabilities(samples), seed=0)
    assert (figures["inception_score"], figures["inception_score_deviation"]) == expected


def test_statistics_alone_give_only_the_frechet_distance():
    samples, reference = _features(20), _features(30, seed=1)
    whole = compare(_inception(), samples, reference).figures
    statistics = compare(_inception(), samples, gaussian_statistics(reference)).figures
    assert statistics == {"fid": pytest.approx(whole["fid"])}


def test_few_images_have_no_density():
    names = {*compare(_inception(), _features(6), _features(6, seed=1)).figures}
    few = {*compare(_inception(), _features(6), _features(5, seed=1)).figures}
    assert names - few == {"inception_density", "inception_coverage"}


def test_too_few_images_give_a_caution():
    assert compare(_inception(), _features(20), _features(30, seed=1)).cautions == []
    cautions = compare(_inception(), _features(7, size=9), _features(6, 1, size=9)).cautions
    assert [text.split(" do not")[0] for text in cautions] == [
        "samples: 7 images",
        "reference: 6 images",
    ]


def test_the_order_of_images_changes_no_metric_but_by_the_random_parts():
    """Sorted by their largest feature, which is nearly their class."""
    extractor = _inception(head=10 * np.eye(5))
    samples, reference = _features(200), _features(100, seed=1)
    figures = compare(extractor, samples, reference).figures
    order = np.argsort(samples.argmax(axis=1))
    ordered = compare(extractor, samples[order], reference[::-1]).figures
    assert figures["inception_score"] > 2
    chance = {"inception_score", "inception_score_deviation", "kid", "kid_deviation"}
    for name in figures.keys() - chance:
        assert ordered[name] == pytest.approx(figures[name], rel=1e-6), name
    assert ordered["inception_score"] == pytest.approx(figures["inception_score"], rel=0.05)
    assert ordered["kid"] == pytest.approx(figures["kid"], abs=figures["kid_deviation"])


def test_neighbours_of_large_sets_are_of_random_images_and_say_so(monkeypatch):
    monkeypatch.setattr(comparison, "PAIRED", 50)
    reference = _features(200, seed=1)
    # The first 50 samples are good ones, the others are far away.
    samples = np.concatenate([_features(50), _features(150, seed=2) + 100])
    result = compare(_inception(), samples, reference)
    assert 0 < result.figures["inception_precision"] < 0.5
    assert result.cautions == [
        f"{name}: precision, recall, density and coverage are of 50 images, drawn from 200"
        for name in ("samples", "reference")
    ]
    assert compare(_inception(), samples, reference).figures == result.figures
    # KID has random subsets of its own, of all images.
    kid = kernel_distance(samples, reference)
    assert (result.figures["kid"], result.figures["kid_deviation"]) == kid
