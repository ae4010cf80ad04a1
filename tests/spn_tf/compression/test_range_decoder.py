"""The decoder in graphs against the library's own encoder."""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.compression import range_decoder
from spn_tf.compression.integer_probabilities import left_cumulatives, weight_table
from spn_tf.compression.range_decoder import RangeState
from spn_tf.compression.stage_coder import StreamReader, StreamWriter


@tf.function(jit_compile=True, autograph=False)
def _decode(state, words, exponents, count):
    return range_decoder.decode(RangeState(*state), words, left_cumulatives(exponents), count)


@pytest.mark.parametrize("largest", [10, 1500, 5575])
def test_it_decodes_what_constriction_encodes(largest):
    """Many steps, so that all cases of carrying and of new words occur; the last images unused."""
    steps, images, count, classes = 150, 4, 3, 6
    rng = np.random.default_rng(largest)
    exponents = rng.integers(0, largest + 1, [steps, images, classes])
    exponents[..., 2] = 0
    likely = weight_table()[exponents]
    draws = rng.random([steps, images, 1]) * likely.sum(-1, keepdims=True)
    symbols = (draws > likely.cumsum(-1)).sum(-1)
    symbols[::7] = rng.integers(0, classes, symbols[::7].shape)  # unlikely ones, too
    writer = StreamWriter()
    for step in range(steps):
        writer.write(symbols[step, :count], exponents[step, :count])
    reader = StreamReader(writer.words())
    for step in range(steps):
        state, window = reader.window(4)
        state, found = _decode(state, window, tf.constant(exponents[step]), tf.constant(count))
        reader.advance(state)
        assert found.numpy().tolist() == [*symbols[step, :count], 0]


def test_words_after_the_end_are_zeros():
    state = range_decoder.start(np.zeros([0], np.uint32))
    exponents = tf.zeros([2, 3], tf.int32)
    _, symbols = _decode(state, tf.zeros([1], tf.uint32), exponents, tf.constant(2))
    assert symbols.numpy().tolist() == [0, 0]
