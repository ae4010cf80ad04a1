import numpy as np
import pytest
import tensorflow as tf

from wavelet_tf.noise import noise

INDICES = tf.range(4000, dtype=tf.int64)


def _draws(truncation, kind):
    return noise(3, "z", INDICES, 5, truncation, kind).numpy()


def test_scaled_noise_has_the_requested_deviation():
    for truncation in (1.0, 0.6):
        z = _draws(truncation, "scale")
        assert z.mean() == pytest.approx(0, abs=0.02)
        assert z.std() == pytest.approx(truncation, rel=0.02)
    assert np.abs(_draws(0.6, "scale")).max() > 1.5


def test_truncated_noise_is_a_normal_conditioned_on_the_interval():
    z = _draws(0.8, "truncate")
    assert 0.79 < np.abs(z).max() <= 0.8
    normal = np.random.default_rng(0).normal(size=200_000)
    within = normal[np.abs(normal) <= 0.8]
    shares = np.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(np.quantile(z, shares), np.quantile(within, shares), atol=0.02)


@pytest.mark.parametrize("kind", ["scale", "truncate"])
def test_truncation_0_gives_zeros_and_a_large_one_plain_noise(kind):
    assert not _draws(0.0, kind).any()
    np.testing.assert_allclose(_draws(50.0, "truncate"), _draws(1.0, "scale"), atol=1e-5)


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="use one of scale, truncate"):
        _draws(1.0, "cut")
