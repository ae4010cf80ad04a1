import numpy as np
import pytest

from cascade_tf.data import ArraySource, open_source
from cascade_tf.errors import SettingError
from cascade_tf.examples import Examples
from tests.cascade_tf.trainings import DIGITS
from tests.wavelet_tf.small_priors import digits, latents


def test_the_fitted_range_is_the_range_of_the_data():
    encoder = latents(value_range=None)
    encoder.build()
    encoder.fit(open_source(DIGITS, "train"))
    encoded = encoder.encode(digits(64).images)
    normalised = encoder.normalise(encoded).numpy()
    assert -1 <= normalised.min() < -0.9 and 0.9 < normalised.max() <= 1
    # TL overshoots [0, 2] at edges.
    assert encoder.low.numpy() < -0.1 and encoder.high.numpy() > 2.1
    np.testing.assert_allclose(encoder.restore(normalised), encoded, atol=1e-6)


def test_a_value_range_set_in_advance_is_not_fitted():
    encoder = latents(value_range=(-3.0, 7.0))
    encoder.build()
    encoder.fit(open_source(DIGITS, "train"))
    # The authors' normalisation.
    encoded = encoder.encode(digits().images).numpy()
    np.testing.assert_allclose(
        encoder.normalise(encoded), ((encoded + 3) / 10 - 0.5) / 0.5, atol=1e-6
    )
    assert encoder.restore(0.0).numpy() == pytest.approx(2)


def test_images_whose_latents_are_of_another_size_are_refused():
    encoder = latents(value_range=(-3.0, 7.0))
    encoder.build()
    source = ArraySource(np.zeros([2, 16, 16, 1], np.uint8))
    with pytest.raises(SettingError, match=r"image_size=16 channels=1: the latents .* are 8x8x1"):
        encoder.fit(source)


def test_padding_of_the_last_batch_does_not_count():
    class Grey:
        config = DIGITS

        def evaluation_examples(self, size, limit):
            images = np.zeros([size, 32, 32, 1], np.uint8)
            images[:3] = 200
            yield Examples(images, np.zeros(size, np.int32), np.where(np.arange(size) < 3, 1, -1))

    encoder = latents(value_range=None)
    encoder.build()
    encoder.fit(Grey())
    assert encoder.low.numpy() == pytest.approx(2 * 200 / 255)
