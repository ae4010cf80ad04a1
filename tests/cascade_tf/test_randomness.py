import numpy as np
import pytest
import tensorflow as tf

from cascade_tf import randomness


@pytest.mark.parametrize(
    "key,counter,expected",
    [  # known answers of the authors' Random123 library, threefry2x32 with 20 rounds
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_threefry_gives_the_known_answers(key, counter, expected, jit_compile):
    words = [tf.constant(w, tf.uint32) for w in (*key, *counter)]
    threefry = tf.function(
        lambda a, b, c, d: randomness.threefry((a, b), (c, d)), jit_compile=jit_compile
    )
    assert tuple(int(word) for word in threefry(*words)) == expected


def _draw(indices, seed=0, stream="a", count=1000):
    return randomness.uniform(seed, stream, tf.constant(indices, tf.int64), count).numpy()


def test_draws_depend_on_the_example_not_on_its_place_in_the_batch():
    np.testing.assert_array_equal(_draw([5, 7, 9])[[2, 0]], _draw([9, 5]))


def test_draws_differ_by_seed_stream_and_index():
    rows = [
        _draw([0]), _draw([1]), _draw([2**32]), _draw([0], seed=1), _draw([0], stream="b"),
        _draw([0], seed=-1),
    ]  # fmt: skip
    rows = np.concatenate(rows)
    for i in range(len(rows)):
        for j in range(i):
            assert abs(np.corrcoef(rows[i], rows[j])[0, 1]) < 0.15


def test_no_number_of_a_stream_is_repeated():
    index = tf.constant([3], tf.int64)
    blocks = [randomness.uniform(0, "a", index, 75, block).numpy() for block in range(4)]
    assert {block.shape for block in blocks} == {(1, 75)}
    assert len(np.unique(blocks)) == 4 * 75


def test_several_blocks_at_once_equal_single_blocks():
    indices = tf.constant([3, 2**40], tf.int64)
    blocks = [randomness.uniform(0, "a", indices, 75, block) for block in (4, 0, 9)]
    at_once = randomness.uniform(0, "a", indices, 75, tf.constant([4, 0, 9]))
    np.testing.assert_array_equal(at_once, tf.stack(blocks, axis=1))


def test_uniform_is_uniform_and_open():
    draws = _draw(range(200)).ravel()
    assert draws.min() > 0 and draws.max() < 1
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    expected = len(draws) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 60  # chi-square, 19 degrees of freedom


def test_gumbel_has_its_mean_and_variance():
    draws = randomness.gumbel(0, "a", tf.range(200, dtype=tf.int64), 1000).numpy()
    assert draws.mean() == pytest.approx(np.euler_gamma, abs=0.02)
    assert draws.var() == pytest.approx(np.pi**2 / 6, abs=0.03)


def test_dropout_keeps_the_expectation_and_is_keyed_by_example():
    x = tf.ones([4, 50, 40])
    out = randomness.dropout(x, 0.25, 0, "a", tf.range(4, dtype=tf.int64)).numpy()
    assert set(np.unique(out).round(5)) == {0.0, np.float32(4 / 3).round(5)}
    assert out.mean() == pytest.approx(1, abs=0.02)
    alone = randomness.dropout(x[:1], 0.25, 0, "a", tf.constant([2], tf.int64)).numpy()
    np.testing.assert_array_equal(alone[0], out[2])
