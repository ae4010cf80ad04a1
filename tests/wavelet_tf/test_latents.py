import numpy as np
import pytest

from cascade_tf.data import open_source
from cascade_tf.examples import Examples
from tests.cascade_tf.trainings import DIGITS
from tests.wavelet_tf.small_priors import digits, latents


def test_the_fitted_range_is_that_of_the_data():
    made = latents(value_range=None)
    made.build()
    made.fit(open_source(DIGITS, "train"))
    encoded = made.encode(digits(64).images)
    seen = made.normalise(encoded).numpy()
    assert -1 <= seen.min() < -0.9 and 0.9 < seen.max() <= 1
    # TL overshoots at edges: [0, 2] would not hold it.
    assert made.low.numpy() < -0.1 and made.high.numpy() > 2.1
    np.testing.assert_allclose(made.restore(seen), encoded, atol=1e-6)


def test_a_given_range_is_kept():
    made = latents(value_range=(-3.0, 7.0))
    made.build()
    made.fit(open_source(DIGITS, "train"))
    # The authors' normalisation.
    encoded = made.encode(digits().images).numpy()
    np.testing.assert_allclose(made.normalise(encoded), ((encoded + 3) / 10 - 0.5) / 0.5, atol=1e-6)
    assert made.restore(0.0).numpy() == pytest.approx(2)


def test_rows_that_only_fill_the_last_batch_do_not_count():
    class Grey:
        def evaluation_examples(self, size, limit):
            images = np.zeros([size, 32, 32, 1], np.uint8)
            images[:3] = 200
            yield Examples(images, np.zeros(size, np.int32), np.where(np.arange(size) < 3, 1, -1))

    made = latents(value_range=None)
    made.build()
    made.fit(Grey())
    assert made.low.numpy() == pytest.approx(2 * 200 / 255)
