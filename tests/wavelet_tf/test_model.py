"""The Python API of the wavelet family: valid arguments, empty batches, and all others."""

import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import SMALL_PIXEL, PixelDecoderStage, chain, photographs
from tests.wavelet_tf.small_priors import built
from wavelet_tf import WaveletModel, model
from wavelet_tf.unit_images import to_uint8


@pytest.fixture(scope="module")
def decoders():
    return WaveletModel(chain(PixelDecoderStage), batch_size=3)


@pytest.fixture(scope="module")
def gan():
    """A BigGAN alone, whose images have the size of its latents."""
    return WaveletModel([built()], batch_size=3)


@pytest.fixture(autouse=True)
def _few_statistics(monkeypatch):
    monkeypatch.setattr(model, "_STANDING", (1, 4))


def test_encode_decode_and_upsample_accept_arrays_lists_and_tensors(decoders):
    images = photographs().numpy()
    latents = decoders.encode(images)
    np.testing.assert_array_equal(latents, decoders.stages[0].condition(images))
    decoded = decoders.decode(latents)
    assert decoded.shape == images.shape and decoded.dtype == np.uint8
    for kind in (list, tf.constant):
        np.testing.assert_array_equal(decoders.encode(kind(images)), latents)
        np.testing.assert_array_equal(decoders.decode(kind(latents)), decoded)
    np.testing.assert_array_equal(decoders.decode(latents.astype(np.float64)), decoded)
    small = to_uint8(latents, 1)
    np.testing.assert_array_equal(decoders.upsample(small), decoders.upsample(small.numpy()))


def test_images_and_latents_of_another_type_or_size_are_refused(decoders):
    images, size = photographs().numpy(), SMALL_PIXEL.latent_size
    latents = decoders.encode(images)
    for wrong in (images / 255, images[:, :16, :16], images[0], images[..., :1]):
        with pytest.raises(ValueError, match=r"images: .*; use uint8 \[N, 32, 32, 3\]"):
            decoders.encode(wrong)
    for wrong in (images, latents[0], (255 * latents).astype(np.uint8)):
        with pytest.raises(ValueError, match=rf"latents: .* float32 \[N, {size}, {size}, 3\]"):
            decoders.decode(wrong)
    for value in (np.nan, np.inf, 1e300):
        with pytest.raises(ValueError, match="latents: some are not finite in float32"):
            decoders.decode(np.full_like(latents, value, np.float64))
    for wrong in (images, latents):
        with pytest.raises(ValueError, match=rf"images: .* uint8 \[N, {size}, {size}, 3\]"):
            decoders.upsample(wrong)


def test_empty_batches_give_empty_results(decoders, gan):
    images = photographs().numpy()[:0]
    latents = decoders.encode(images)
    assert latents.shape == (0, 8, 8, 3) and latents.dtype == np.float32
    for empty in (decoders.decode(latents), decoders.upsample(latents.astype(np.uint8))):
        assert empty.shape == images.shape and empty.dtype == np.uint8
    for empty in (gan.sample(0), gan.sample(classes=[]), gan.sample(classes=np.zeros(0))):
        assert empty.shape == (0, 16, 16, 1) and empty.dtype == np.uint8


def test_classes_count_the_samples(gan):
    classes = [3, 0, 9, 9]
    images = gan.sample(classes=np.array(classes), seed=1, truncation=0.5)
    assert images.shape == (4, 16, 16, 1) and images.dtype == np.uint8
    for same in (classes, tuple(classes), tf.constant(classes)):
        np.testing.assert_array_equal(gan.sample(4, 1, classes=same, truncation=0.5), images)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("the number of images, or a class for each", {}),
        ("count=-1: use an integer", {"count": -1}),
        ("count=true: use an integer", {"count": True}),
        ("there are 2, for 3 images", {"count": 3, "classes": [0, 1]}),
        ("integers from 0 to 9, as the model has 10 classes", {"classes": [99]}),
        ("integers from 0 to 9", {"classes": [-1]}),
        ("integers from 0 to 9", {"classes": [1.7]}),
        ("truncation=nan: use a finite number", {"count": 0, "truncation": np.nan}),
        ("truncation=-1: use a finite number", {"count": 1, "truncation": -1}),
        ("truncation=inf: use a finite number", {"count": 1, "truncation": np.inf}),
        ("truncation=1000.0: use 0 to 100", {"count": 1, "truncation": 1e3}),
        ("truncation_kind=none: use scale or truncate", {"count": 0, "truncation_kind": "none"}),
        ("temperature=-1: use a finite number", {"count": 1, "temperature": -1}),
        ("temperature: none of the stages can use it", {"count": 0, "temperature": 1}),
    ],
)
def test_requests_that_cannot_be_met_are_refused(gan, message, arguments):
    with pytest.raises(ValueError, match=message):
        gan.sample(**arguments)


def test_models_are_of_built_stages_and_batches_of_images(decoders, gan):
    with pytest.raises(ValueError, match="decoders without a prior do not sample"):
        decoders.sample(1)
    with pytest.raises(ValueError, match="no decoders"):
        gan.encode(photographs())
    with pytest.raises(ValueError, match="stages: there are none"):
        WaveletModel([])
    for incomplete in (decoders.stages[:1], decoders.stages[1:], decoders.stages[::-1]):
        with pytest.raises(ValueError, match=r"stages: to.*; use all of the model: to16, to32"):
            WaveletModel(incomplete)
    with pytest.raises(ValueError, match="batch_size=-1: use an integer, 1 or more"):
        WaveletModel(gan.stages, batch_size=-1)
