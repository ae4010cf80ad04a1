import numpy as np
import pytest

from wavelet_tf.collapse import diversity, moments, trouble

HEALTHY = {
    "D_real": 0.8,
    "D_fake": -0.7,
    "diversity": 0.9,
    "spectral_norm_G/dense": 3.0,
    "spectral_norm_D/dense": 1.2,
}


def _diversity(real, generated):
    return diversity(moments(real), moments(generated)).numpy()


def test_diversity_compares_spreads():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(64, 4, 4, 1)).astype(np.float32)
    same = np.repeat(real[:1], 64, axis=0)
    assert _diversity(real, 0.5 * real + 3) == pytest.approx(0.5)
    assert _diversity(real, same) < 1e-3
    assert _diversity(np.ones_like(real), real) > 1e3  # equal real images give no NaN


def test_moments_of_equal_parts_average_to_those_of_the_batch():
    images = np.random.default_rng(0).normal(size=(12, 4, 4, 1)).astype(np.float32)
    parts = [moments(part) for part in np.split(images, 6)]
    np.testing.assert_allclose(sum(parts) / 6, moments(images), atol=1e-6)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"D_fake": -2e3}, "logits run away: D_fake -2000"),
        ({"spectral_norm_G/dense": 5e3}, "singular values run away: spectral_norm_G/dense 5000"),
        ({"diversity": 0.001}, "samples are nearly all the same"),
    ],
)
def test_trouble_names_the_failing_figure(change, message):
    assert trouble(HEALTHY) is None
    assert message in trouble(HEALTHY | change)


def test_networks_without_spectral_norms_are_judged_by_the_rest():
    figures = {name: x for name, x in HEALTHY.items() if not name.startswith("spectral_norm")}
    assert trouble(figures) is None
    assert "all the same" in trouble(figures | {"diversity": 0.01})
