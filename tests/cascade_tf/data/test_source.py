import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import DataConfig
from cascade_tf.data.lanes import in_turn
from cascade_tf.data.source import NumberedSource, Share


class Numbers(NumberedSource):
    """Record n is a 4x6 image of intensity n and label n."""

    def __init__(self, num_examples: int, seed: int = 0) -> None:
        super().__init__(DataConfig("numbers", None, 4, 1, seed=seed), num_examples, num_examples)

    def _read(self, record):
        return tf.fill([4, 6, 1], tf.cast(record, tf.uint8)), tf.cast(record, tf.int32)


def training_labels(source: Numbers, batch_size: int, start: int, count: int) -> np.ndarray:
    batches = source.training_examples(batch_size, start).take(count)
    return np.concatenate([batch.labels for batch in batches.as_numpy_iterator()])


def test_every_epoch_is_another_permutation():
    epochs = training_labels(Numbers(10), 10, 0, 4).reshape(4, 10)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(10), (4, 1)))
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert not np.array_equal(epochs[0], training_labels(Numbers(10, seed=1), 10, 0, 1))


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10, 25])
def test_the_order_does_not_depend_on_the_batch(batch_size):
    expected = training_labels(Numbers(10), 50, 0, 1)
    labels = training_labels(Numbers(10), batch_size, 0, -(-50 // batch_size))[:50]
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("num_examples", [1, 3, 10])
def test_restart(num_examples, assert_restarts_exactly):
    assert_restarts_exactly(Numbers(num_examples))


def test_a_restart_at_a_large_index_starts_at_once():
    source = Numbers(10)
    np.testing.assert_array_equal(
        training_labels(source, 4, 10**12 - 4, 2)[4:], training_labels(source, 4, 10**12, 1)
    )


def test_batches_have_static_shapes_and_types():
    for batches in (Numbers(3).training_examples(5, 0), Numbers(3).evaluation_examples(5)):
        images, labels, indices = batches.element_spec
        assert (images.shape, images.dtype) == ([5, 4, 4, 1], tf.uint8)
        assert (labels.shape, labels.dtype) == ([5], tf.int32)
        assert (indices.shape, indices.dtype) == ([5], tf.int64)


@pytest.mark.parametrize(("limit", "expected"), [(None, 10), (7, 7), (8, 8), (99, 10), (0, 0)])
def test_evaluation_is_one_ordered_pass_with_marked_filling(limit, expected):
    batches = list(Numbers(10).evaluation_examples(4, limit).as_numpy_iterator())
    assert len(batches) == -(-expected // 4)
    if not batches:
        return
    labels, indices = (np.concatenate(part) for part in list(zip(*batches, strict=True))[1:])
    np.testing.assert_array_equal(labels[:expected], np.arange(expected))
    np.testing.assert_array_equal(indices[:expected], np.arange(expected))
    assert np.all(indices[expected:] == -1)
    filling = np.concatenate([batch.images for batch in batches])[expected:]
    assert not filling.any()


def test_replicas_share_out_each_global_batch():
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    batches = strategy.experimental_distribute_dataset(Numbers(10).training_examples(4, 0))
    parts = strategy.experimental_local_results(next(iter(batches)).indices)
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(4))


@pytest.mark.parametrize("num_examples", [1, 5, 12])
@pytest.mark.parametrize("of", [2, 3])
def test_shares_are_interleaved_in_every_epoch(num_examples, of):
    """Share s has the examples s, s + of, ... of the stream, for any number of examples."""
    source = Numbers(num_examples)
    whole = next(source.training_examples(30, 6).as_numpy_iterator())
    for number in range(of):
        part = next(source.training_examples(30 // of, 6, Share(number, of)).as_numpy_iterator())
        np.testing.assert_array_equal(part.indices, whole.indices[number::of])
        np.testing.assert_array_equal(part.labels, whole.labels[number::of])


@pytest.mark.parametrize("num_examples", [12, 13, 17])
def test_lanes_are_taken_in_turn_and_others_are_not_read(num_examples):
    bounds = np.cumsum([0, *(len(range(lane, num_examples, 6)) for lane in range(6))])
    read = []

    def lane(number):
        def records():
            read.append(number)
            yield from range(bounds[number], bounds[number + 1])

        return tf.data.Dataset.from_generator(records, output_signature=tf.TensorSpec([], tf.int64))

    def records(share):
        read.clear()
        return list(in_turn([lane(k) for k in range(6)], share, num_examples).as_numpy_iterator())

    whole = records(Share(0, 1))
    assert sorted(whole) == list(range(num_examples)) and sorted(read) == list(range(6))
    for of, lanes_of_first in ((2, [0, 2, 4]), (3, [0, 3]), (4, [0, 1, 2, 3, 4, 5])):
        for number in range(of):
            assert records(Share(tf.constant(number, tf.int64), of)) == whole[number::of]
            assert number or sorted(read) == lanes_of_first
