"""Means over parts of a batch, as unrolled code computes them."""

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples
from cascade_tf.strategies import make_strategy
from wavelet_tf.players import means_over_parts

COUNT = 5  # parts
IMAGES = np.random.default_rng(0).normal(size=[4 * COUNT, 2, 2, 3]).astype(np.float32)


def _examples(rows=slice(None)):
    images = IMAGES[rows]
    indices = tf.range(len(images), dtype=tf.int64)
    return Examples(tf.constant(images), tf.zeros(len(images), tf.int32), indices)


def _batch_norm(synchronized=False):
    layer = keras.layers.BatchNormalization(synchronized=synchronized)
    layer.build([None, 2, 2, 3])
    return layer


def _gradients(layer):
    def of_part(part):
        with tf.GradientTape() as tape:
            output = layer(part.images, training=True)
            loss = tf.reduce_mean(output * tf.cast(part.images > 1, tf.float32))
        return {"loss": loss}, tape.gradient(loss, layer.trainable_variables)

    return of_part


def _assert_close(actual, expected):
    for ours, theirs in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def _operations(count):
    layer = _batch_norm()
    function = tf.function(
        lambda: means_over_parts(_gradients(layer), _examples(), count), autograph=False
    )
    return len(function.get_concrete_function().graph.get_operations())


def test_a_loop_equals_unrolled_parts_whether_compiled_or_not():
    unrolled, looped, compiled = _batch_norm(), _batch_norm(), _batch_norm()
    parts = [_examples(slice(start, start + 4)) for start in range(0, len(IMAGES), 4)]
    results = [_gradients(unrolled)(part) for part in parts]
    expected = tf.nest.map_structure(lambda *values: sum(values) / COUNT, *results)
    for layer, jit_compile in ((looped, False), (compiled, True)):
        of_part = tf.function(_gradients(layer), jit_compile=jit_compile, autograph=False)
        loop = tf.function(
            lambda examples, of_part=of_part: means_over_parts(of_part, examples, COUNT),
            autograph=False,
        )
        _assert_close(loop(_examples()), expected)
        _assert_close(layer.weights, unrolled.weights)  # statistics move once for each part


def test_replicas_meet_in_every_part():
    """Batch normalisation over two replicas sees part n of both."""
    strategy = make_strategy("mirrored")
    with strategy.scope():
        two = _batch_norm(synchronized=True)
    one = _batch_norm()
    order = np.arange(len(IMAGES)).reshape(2, COUNT, 2).transpose(1, 0, 2).ravel()
    expected = means_over_parts(_gradients(one), _examples(order), COUNT)
    halves = [_examples(slice(start, start + 2 * COUNT)) for start in (0, 2 * COUNT)]

    @tf.function(autograph=False)
    def step(examples):
        return strategy.run(lambda own: means_over_parts(_gradients(two), own, COUNT), (examples,))

    distributed = strategy.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )
    results = [strategy.experimental_local_results(x) for x in tf.nest.flatten(step(distributed))]
    _assert_close([sum(result) / 2 for result in results], expected)
    _assert_close(two.weights, one.weights)


def test_the_graph_does_not_grow_with_the_parts():
    assert _operations(10) == _operations(2)
