"""Sets of images as arrays, folders and files, against `compare` of their features."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_tf.errors import UserError
from cascade_tf.metrics import (
    ImageOrigin,
    InceptionFeatures,
    PixelFeatures,
    compare,
    compare_images,
    fid,
    gaussian_statistics,
    inception,
    load_inception,
    save_statistics,
)
from tests.cascade_tf.metrics.small_graph import small_graph

FEATURES, CLASSES = 6, 4


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A file that `load_inception` reads, of a network with fewer features than Inception."""
    monkeypatch.setattr(inception, "SIZE", FEATURES)
    monkeypatch.setattr(inception, "_CLASSES", CLASSES)
    monkeypatch.setattr(InceptionFeatures, "size", FEATURES)
    path = tmp_path / "small.pb"
    path.write_bytes(small_graph(FEATURES, CLASSES)[0])
    return path


def _images(count, seed=0, side=8):
    shape = [count, side, side, 3]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _folder(path, images):
    path.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(path / f"{number:03}.png")
    return path


def _distance(extractor, a, b):
    return compare(extractor, extractor(a), extractor(b)).figures["fid"]


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_fid_equals_that_of_compare(weights, kind):
    a, b = _images(12), _images(14, seed=1) // 2
    expected = _distance(load_inception(weights), a, b)
    distance = fid(a, b, weights=kind(weights), batch_size=5)
    assert isinstance(distance, float) and distance > 1e-3
    assert distance == pytest.approx(expected, rel=1e-6)


def test_folders_and_statistics_give_the_same_fid_as_arrays(weights, tmp_path):
    extractor = load_inception(weights)
    a, b = _images(12), _images(14, seed=1) // 2
    expected = fid(a, b, extractor)
    folder = _folder(tmp_path / "a", a)
    save_statistics(str(tmp_path / "b.npz"), gaussian_statistics(extractor(b)), extractor)
    for first in (folder, str(folder)):
        for second in (tmp_path / "b.npz", str(tmp_path / "b.npz")):
            distance = fid(first, second, extractor, batch_size=5)
            assert distance == pytest.approx(expected, rel=1e-6)
    comparison = compare_images(folder, tmp_path / "b.npz", extractor)
    assert comparison.figures["fid"] == pytest.approx(expected, rel=1e-6)
    assert "kid" not in comparison.figures
    assert any("does not say its image size" in caution for caution in comparison.cautions)


def test_statistics_of_images_of_another_size_are_refused(weights, tmp_path):
    extractor, path = load_inception(weights), tmp_path / "b.npz"
    statistics = gaussian_statistics(extractor(_images(14, seed=1)))
    save_statistics(path, statistics, extractor, ImageOrigin("8x8"))
    assert fid(path, _images(12), extractor) == pytest.approx(fid(_images(12), path, extractor))
    for call in (compare_images, fid, lambda a, b, weights: fid(b, a, weights)):
        with pytest.raises(UserError, match="image_size=8x8, not 12x12"):
            call(_images(12, side=12), path, extractor)


def test_images_of_different_sizes_are_each_resized_by_the_network(weights, tmp_path):
    extractor = load_inception(weights)
    images = [*_images(3), *_images(4, side=12), *_images(3, side=8)]
    folder = _folder(tmp_path / "mixed", images)
    features = np.concatenate([extractor(image[None]) for image in images])
    other = _images(9, seed=2)
    expected = compare(extractor, features, extractor(other)).figures["fid"]
    assert fid(folder, other, extractor, batch_size=2) == pytest.approx(expected, rel=1e-6)


def test_all_figures_equal_those_of_compare(weights):
    samples, reference = _images(12), _images(14, seed=1)
    extractor = load_inception(weights)
    expected = compare(extractor, extractor(samples), extractor(reference), seed=3)
    assert {"fid", "kid", "inception_precision", "inception_score"} <= set(expected.figures)
    comparison = compare_images(samples, reference, weights, batch_size=20, seed=3)
    assert comparison.figures == pytest.approx(expected.figures, rel=1e-6)
    assert comparison.cautions == expected.cautions


@pytest.mark.parametrize("kind", [list, tf.constant])
def test_lists_and_tensors_are_sets_as_arrays_are(kind):
    samples, reference = _images(12), _images(14, seed=1)
    expected = compare_images(samples, reference)
    assert compare_images(kind(samples), kind(reference)).figures == expected.figures
    with pytest.raises(UserError, match=r"images are float64 \[12, 8, 8, 3\]: uint8"):
        compare_images(kind(samples / 2), reference)


@pytest.mark.parametrize("weights", [None, 3])
def test_weights_are_a_file_or_a_feature_space(weights):
    with pytest.raises(
        UserError, match=r"weights=.*: use a file for load_inception, or its result"
    ):
        fid(_images(3), _images(3), weights)


def test_without_weights_no_figure_is_called_fid(tmp_path):
    samples, reference = _images(12), _images(14, seed=1)
    pixels = PixelFeatures((8, 8, 3))
    expected = compare(pixels, pixels(samples), pixels(reference)).figures
    figures = compare_images(_folder(tmp_path / "samples", samples), reference).figures
    assert figures == pytest.approx(expected) and not any("fid" in name for name in figures)
    with pytest.raises(TypeError, match="weights"):
        fid(samples, reference)
    with pytest.raises(UserError, match=r"between pixels of 8x8x3 are no FID.*or compare_images"):
        fid(samples, reference, pixels)


def test_sets_that_cannot_be_read_are_named(weights, tmp_path):
    images = _images(3)
    with pytest.raises(UserError, match=r"images: there is no folder .*missing"):
        fid(images, tmp_path / "missing", weights)
    with pytest.raises(UserError, match=r"images are float64 \[3, 8, 8, 3\]: uint8"):
        fid(images / 2, images, weights)
    with pytest.raises(UserError, match=r"small\.pb is no .npz file of statistics"):
        fid(images, weights, weights)
    with pytest.raises(UserError, match="at least 2 images, not 1"):
        fid(images[:1], images, weights)
    with pytest.raises(UserError, match="there are no images in the array"):
        compare_images(images[:0], images)
    with pytest.raises(UserError, match="must have one size"):
        compare_images([*images, images[0, :4]], images)
    with pytest.raises(UserError, match="batch_size=0: use an integer, 1 or more"):
        compare_images(images, images, batch_size=0)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"a\.png"):
        fid(images, tmp_path / "bad", weights)
