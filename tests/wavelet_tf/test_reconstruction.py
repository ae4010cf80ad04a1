import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import KINDS, SMALL_WAVELET, built, chain, photographs, stage
from wavelet_tf.decoder_stage import PixelDecoderStage, WaveletDecoderStage
from wavelet_tf.reconstruction import figures, reconstruct, resized
from wavelet_tf.transform import dwt2, waverec2
from wavelet_tf.unit_images import unit_range


def _zero_bands(images):
    """Reconstruction from TL after two transforms, with zeros for all other bands."""
    tl = dwt2(dwt2(images).tl).tl
    details = [[tf.zeros([len(images), side, side, 3])] * 3 for side in (8, 16)]
    return np.clip(waverec2(tl, details), 0, 1)


def test_untrained_wavelet_decoders_equal_the_zero_bands_baseline():
    stages = [built(WaveletDecoderStage, level) for level in (1, 2)]
    results = figures(stages, photographs())
    image = unit_range(photographs()).numpy()
    error = ((image - _zero_bands(image)) ** 2).mean(axis=(1, 2, 3))
    for name in ("mse", "mse/zero bands"):
        np.testing.assert_allclose(results[name], error, rtol=1e-4)
    np.testing.assert_allclose(results["psnr"], -10 * np.log10(error), rtol=1e-4)
    for band, expected in zip(("TR", "BL", "BR"), dwt2(image)[1:], strict=True):
        square = (expected.numpy() ** 2).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(results[f"to32/{band}"], square, rtol=1e-3)
        np.testing.assert_allclose(results[f"to32/{band} zero"], square, rtol=1e-3)


def test_untrained_pixel_decoders_are_successive_bilinear_resizes():
    stages = [built(PixelDecoderStage, level) for level in (1, 2)]
    results = figures(stages, photographs())
    image = unit_range(photographs())
    small = image.numpy().reshape(4, 8, 4, 8, 4, 3).mean(axis=(2, 4))
    reconstruction = tf.image.resize(tf.image.resize(small, [16, 16]), [32, 32])
    np.testing.assert_allclose(
        results["mse"], np.square(image - reconstruction).mean((1, 2, 3)), rtol=1e-4
    )
    once = tf.image.resize(small, [32, 32])
    np.testing.assert_allclose(
        results["mse/bilinear"], np.square(image - once).mean((1, 2, 3)), rtol=1e-4
    )
    assert "mse/zero bands" not in results


@pytest.mark.parametrize("wavelet, center", [("bior2.2", 0.0), ("haar", 0.5), ("bior4.4", 0.0)])
def test_a_resized_latent_is_aligned_with_its_image(wavelet, center):
    """TL of a ramp after two levels is the ramp at the positions of the remaining samples."""
    mode = "periodization" if wavelet == "haar" else "reflect"
    config = dataclasses.replace(SMALL_WAVELET, wavelet=wavelet, wavelet_mode=mode)
    first = stage(WaveletDecoderStage, 1, config)
    assert first.encoder.center == pytest.approx(center, abs=1e-6)
    ramp = tf.repeat(tf.linspace(0.2, 0.8, 32)[None, None, :, None], 32, 1)
    latent = first.encoder.pyramid(tf.repeat(ramp, 3, 3))[0]
    upsampled = resized(first, latent, "bilinear")
    inside = slice(6, -12)
    np.testing.assert_allclose(upsampled[0, 5, inside, 0], ramp[0, 5, inside, 0], atol=2e-3)
    # Near the borders there are no samples to interpolate between.
    np.testing.assert_allclose(upsampled[0, :, :, 0], ramp[0, :, :, 0], atol=0.08)


def test_black_images_have_finite_figures():
    stages = [built(WaveletDecoderStage, level) for level in (1, 2)]
    results = figures(stages, tf.zeros([1, 32, 32, 3], tf.uint8))
    assert all(np.isfinite(value).all() for value in results.values())
    np.testing.assert_allclose(results["psnr"], 100, rtol=1e-5)


def test_bands_after_predicted_are_decoded_from_predicted_coarse_images():
    stages, images = chain(WaveletDecoderStage), photographs()
    results = figures(stages, images)
    coarse = stages[0].decode(stages[0].condition(images))
    predicted = stages[1].decoder.bands(stages[1].decoder(coarse))
    true = dwt2(unit_range(images))[1:]
    for name, ours, expected in zip(("TR", "BL", "BR"), predicted, true, strict=True):
        error = np.square(ours - expected).mean((1, 2, 3))
        np.testing.assert_allclose(results[f"to32/{name} after predicted"], error, rtol=1e-3)
        assert np.all(results[f"to32/{name}"] != results[f"to32/{name} after predicted"])


@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_later_stages_are_decoded_from_real_coarse_images(kind):
    stages = chain(kind)
    images = photographs()
    results = figures(stages, images)
    image = unit_range(images)
    reconstruction = np.clip(stages[1].decode(stages[1].condition(images)), 0, 1)
    error = np.square(image - reconstruction).mean((1, 2, 3))
    np.testing.assert_allclose(results["mse/from to32"], error, rtol=1e-4)
    assert np.all(results["to32/mse"] >= error * 0.999)  # before clipping
    both = reconstruct(stages, stages[0].condition(images))
    np.testing.assert_allclose(
        results["mse"], np.square(image - np.clip(both[-1], 0, 1)).mean((1, 2, 3)), rtol=1e-4
    )
    # Errors of TL are divided by its gain, so that they are on the scale of images.
    gain = stages[0].gain
    error = np.square((both[0] - stages[0].target(images)) / gain).mean((1, 2, 3))
    np.testing.assert_allclose(results["to16/mse"], error, rtol=1e-4)
