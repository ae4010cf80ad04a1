"""Gradients of a BigGAN training step under XLA, on two replicas and in bfloat16, and an export.

BigGAN-deep is left out: it has the same kinds of layers, but so many that it compiles slowly.
"""

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.strategies import make_strategy
from tests.wavelet_tf.biggan.small_gans import batch, gradients, nets, shake


def _pair(like=None, **arguments):
    """Returns both nets, with new weights or those of another pair."""
    pair = nets("biggan", **arguments)
    for number, network in enumerate(pair):
        if like is None:
            shake(network)
            continue
        for weight, value in zip(network.weights, like[number].weights, strict=True):
            weight.assign(value.numpy())
    return pair


def _assert_close(actual, expected, tolerance):
    for ours, theirs in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        largest = np.abs(theirs).max()
        # Gradients of biases before a norm are zero, and of weights elsewhere up to 21.
        atol = 1e-5 if largest < 1e-5 else tolerance * max(largest, 1e-2)
        np.testing.assert_allclose(ours, theirs, atol=atol)


def test_gradients_under_xla_equal_those_without():
    plain = _pair()
    compiled = _pair(like=plain)
    images, z, labels = batch(plain[0].config)
    expected = gradients(*plain, images, z, labels)
    function = tf.function(
        lambda *inputs: gradients(*compiled, *inputs), jit_compile=True, autograph=False
    )
    _assert_close(function(images, z, labels), expected, 1e-3)
    weights = [[w for network in pair for w in network.weights] for pair in (compiled, plain)]
    _assert_close(*weights, 1e-4)  # vectors and statistics are updated alike


def test_two_replicas_equal_one():
    one = _pair()
    strategy = make_strategy("mirrored")
    with strategy.scope():
        two = _pair(like=one, synchronized=True)
    inputs = batch(one[0].config)
    expected = gradients(*one, *inputs)

    def on_replica(*share):
        values = tf.nest.flatten(gradients(*two, *share, replicas=2))
        return tf.distribute.get_replica_context().all_reduce("SUM", values)

    shares = [
        strategy.experimental_distribute_values_from_function(
            lambda context, x=x: tf.split(x, 2)[context.replica_id_in_sync_group]
        )
        for x in inputs
    ]
    results = strategy.run(on_replica, shares)  # eagerly, as tracing takes long
    for replica in range(2):
        of_one = [strategy.experimental_local_results(x)[replica] for x in results]
        _assert_close(of_one, expected, 1e-4)
    for ours, theirs in zip(two, one, strict=True):
        for weight, value in zip(ours.weights, theirs.weights, strict=True):
            for copy in strategy.experimental_local_results(weight.value):
                np.testing.assert_allclose(copy, value, atol=1e-5, err_msg=value.path)


def test_bfloat16_computes_with_float32_weights():
    single = _pair()
    half = _pair(like=single, policy="mixed_bfloat16")
    inputs = batch(single[0].config, 16)
    for network, x in zip(half, (inputs[1], inputs[0]), strict=True):
        assert network.stages[0][0].compute_dtype == "bfloat16"
        assert {weight.dtype for weight in network.weights} == {"float32"}
        assert network(x, inputs[2]).dtype == tf.float32
    losses, *both = gradients(*half, *inputs)
    np.testing.assert_allclose(losses, gradients(*single, *inputs)[0], rtol=0.1, atol=0.1)
    assert {gradient.dtype for gradient in tf.nest.flatten(both)} == {tf.float32}


def test_an_exported_generator_gives_the_same_samples(tmp_path):
    generator, _ = _pair()
    _, z, labels = batch(generator.config)
    archive = keras.export.ExportArchive()
    archive.track(generator)
    archive.add_endpoint(
        "sample",
        generator.call,
        input_signature=[
            tf.TensorSpec([None, generator.config.z_size]),
            tf.TensorSpec([None], tf.int32),
        ],
    )
    archive.write_out(str(tmp_path / "model"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(loaded.sample(z, labels), generator(z, labels), atol=1e-5)
