import constriction
import numpy as np
import tensorflow as tf

from spn_tf.compression.integer_probabilities import (
    PRECISION,
    SHIFTS,
    exponents,
    left_cumulatives,
    weight_table,
)


def _shares(logits):
    """Probabilities of the integer rule, float64 [B, n]."""
    return np.diff(left_cumulatives(exponents(tf.constant(logits))[0])) / 2**PRECISION


def test_integer_probabilities_are_those_of_the_logits_to_a_thousandth_of_their_entropy():
    rng = np.random.default_rng(0)
    for spread in (0.01, 1, 8, 100):
        logits = spread * rng.normal(size=[50, 256]).astype(np.float32)
        true = np.exp(tf.nn.log_softmax(tf.cast(logits, tf.float64)))
        shares = _shares(logits)
        assert (shares > 0).all()
        np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-12)
        bits = -(true * np.log2(shares)).sum(1)
        entropy = -(true * np.log2(np.maximum(true, 1e-300))).sum(1)
        # At least 1 of 2^24 for each class costs 2e-5 bits a symbol, however sure the model is.
        assert (bits - entropy < 1e-4 * entropy + 4e-5).all()


def test_no_class_is_impossible_however_unlikely():
    logits = np.array([[0, -1e30, -np.inf, 50]], np.float32)
    assert (_shares(logits) >= 2.0**-PRECISION).all()


def test_images_that_are_not_unsure_keep_their_exponents_under_noise():
    rng = np.random.default_rng(0)
    logits, margin = 2 * rng.normal(size=[400, 16]), 0.02
    noise = 0.499 * margin / 256 * rng.uniform(-1, 1, logits.shape)  # two of them in a distance
    found = []
    for shift in range(SHIFTS):
        own, unsure = exponents(tf.constant(logits), shift, margin)
        other, _ = exponents(tf.constant(logits + noise), shift)
        same = (own.numpy() == other.numpy()).all(1)
        assert same[~unsure.numpy()].all() and not same.all()
        found.append(unsure.numpy())
        assert (own.numpy().min(1) == 0).all()
    assert 0.2 < np.mean(found) < 0.8  # 15 distances, each unsure at one place in 25
    assert not np.all(found, axis=0).any()  # some shift serves each image


def test_the_bounds_are_those_of_constriction():
    """Symbols at both ends of every class's share decode to the class itself."""
    rng = np.random.default_rng(1)
    for classes in (2, 3, 8, 256):
        own = rng.integers(0, len(weight_table()), [20, classes])
        own[:, 0] = 0
        weights = weight_table()[own]
        model = constriction.stream.model.Categorical(perfect=False)
        symbols = rng.integers(0, classes, 20).astype(np.int32)
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(symbols, model, weights)
        bits = -np.log2(np.diff(left_cumulatives(tf.constant(own)))[range(20), symbols] / 2**24)
        # A stream ends within two words of its information.
        assert bits.sum() <= 32 * len(encoder.get_compressed()) <= bits.sum() + 64
