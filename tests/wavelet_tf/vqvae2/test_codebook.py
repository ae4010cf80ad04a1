import numpy as np
import pytest
import tensorflow as tf

from wavelet_tf.vqvae2.codebook import Assignments, Codebook, candidate_draw

CODES, SIZE, DECAY = 6, 3, 0.9
RNG = np.random.default_rng(0)


def _codebook():
    codebook = Codebook(CODES, SIZE)
    codebook.build()
    return codebook


def _assigned(codebook, encodings, places, batch, draw):
    codes = codebook.nearest(encodings)
    return codebook.assignments(encodings, codes, tf.constant(places), batch, draw)


def _transcribed(vectors, counts, sums, z, candidates, restart):
    """A step of VQ-VAE's Appendix A, with Laplace smoothing, one encoding at a time."""
    n, m = np.zeros(CODES), np.zeros([CODES, SIZE])
    for encoding in z.reshape(-1, SIZE):
        nearest = min(range(CODES), key=lambda i: ((encoding - vectors[i]) ** 2).sum())
        n[nearest] += 1
        m[nearest] += encoding
    counts, sums = DECAY * counts + (1 - DECAY) * n, DECAY * sums + (1 - DECAY) * m
    mean = counts.mean()
    for i in range(CODES):
        if counts[i] < restart * mean:
            counts[i], sums[i] = mean, mean * candidates[i]
    total = counts.sum()
    smoothed = [(count + 1e-5) / (total + CODES * 1e-5) * total for count in counts]
    return sums / np.array(smoothed)[:, None], counts, sums


@pytest.mark.parametrize("restart", [0, 0.5])
def test_the_averages_are_those_of_a_transcription(restart):
    codebook, restarted = _codebook(), 0
    vectors, counts, sums = (
        np.float64(x) for x in (codebook.vectors(), codebook.counts, codebook.sums)
    )
    for step in range(30):
        z = RNG.normal(size=[4, 2, 2, SIZE]).astype(np.float32) + 1
        draw = candidate_draw(0, "top", tf.constant(step, tf.int64), CODES)
        assigned = _assigned(codebook, tf.constant(z), range(4), 4, draw)
        image, position = np.int32(draw[0] * 4), np.int32(draw[1] * 4)
        candidates = z.reshape(4, 4, SIZE)[image, position]
        np.testing.assert_array_equal(assigned.candidates, candidates)
        vectors, counts, sums = _transcribed(vectors, counts, sums, z, candidates, restart)
        restarted += np.sum(np.all(np.isclose(vectors, candidates, rtol=1e-4), axis=1))
        codebook.update(assigned, DECAY, restart)
        np.testing.assert_allclose(codebook.vectors(), vectors, rtol=1e-4, atol=1e-5)
    assert bool(restarted) == bool(restart)


def test_the_parts_of_replicas_sum_to_the_whole():
    codebook, z = _codebook(), RNG.normal(size=[4, 2, 2, SIZE]).astype(np.float32)
    draw = candidate_draw(0, "top", tf.constant(7, tf.int64), CODES)
    whole = _assigned(codebook, tf.constant(z), range(4), 4, draw)
    halves = [_assigned(codebook, tf.constant(z[i::2]), range(i, 4, 2), 4, draw) for i in (0, 1)]
    for total, *parts in zip(whole, *halves, strict=True):
        np.testing.assert_allclose(np.add(*parts), total, rtol=1e-5, atol=1e-6)


def test_without_a_candidate_a_code_stays():
    codebook = _codebook()
    zeros = tf.zeros([CODES]), tf.zeros([CODES, SIZE])
    before = codebook.vectors()
    codebook.update(Assignments(*zeros, zeros[1], zeros[0]), 0.5, 0.99)
    np.testing.assert_allclose(codebook.vectors(), before, rtol=1e-4)


def test_gradients_pass_straight_through():
    """The output is the nearest vector, but its gradient is that of the encoding."""
    codebook, z = _codebook(), tf.constant(RNG.normal(size=[2, 3, 3, SIZE]), tf.float32)
    weights = tf.constant(RNG.normal(size=z.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        quantised = codebook(z)
        loss = tf.reduce_sum(weights * quantised)
    np.testing.assert_allclose(quantised, codebook.look_up(codebook.nearest(z)), atol=1e-6)
    np.testing.assert_array_equal(tape.gradient(loss, z), weights)
