import dataclasses
import hashlib

import numpy as np
import pytest

from cascade_tf.data import ArraySource, DataConfig, open_source
from cascade_tf.data.fingerprint import caution, fingerprint

IMAGES = np.random.default_rng(0).integers(0, 256, [250, 4, 4, 3], dtype=np.uint8)


@pytest.mark.parametrize("total", [1, 100, 101, 250])
def test_it_is_the_hash_of_the_pixels_whatever_the_batches(total):
    actual = fingerprint(ArraySource(IMAGES), total)
    assert (actual.images, actual.sha256) == (
        total,
        hashlib.sha256(IMAGES[:total].tobytes()).hexdigest(),
    )
    assert actual.preprocessing == ("largest centre square, resized by area to 4x4, rounded, RGB")


def test_the_built_in_digits_are_the_same_everywhere():
    source = open_source(DataConfig("digits", image_size=32, channels=1), "test")
    assert fingerprint(source, 500).sha256.startswith("ae1659c63548221c")


@pytest.mark.parametrize(
    "name, split, count, expected",
    [
        ("downsampled_imagenet/64x64", "test", 50_000, "50,000 images, not 49,999"),
        ("downsampled_imagenet/64x64", "test", 49_999, None),
        ("downsampled_imagenet/64x64", "train", 50_000, None),
        ("imagenet2012", "test", 50_000, None),
    ],
)
def test_another_imagenet_than_the_papers_gives_a_caution(name, split, count, expected):
    source = ArraySource(IMAGES)
    source.config = dataclasses.replace(source.config, dataset=name)
    source.split, source.num_examples = split, count
    text = caution(source)
    assert (text is None) if expected is None else (expected in text)
