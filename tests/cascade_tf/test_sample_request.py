import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.sample_request import SampleRequest


def test_numbers_become_tensors_of_fixed_dtypes():
    request = SampleRequest([3, 1], np.int64(7), 0.5, labels=np.array([0, 2], np.uint8))
    assert request.indices.dtype == tf.int64 and request.indices.numpy().tolist() == [3, 1]
    assert request.seed.dtype == request.labels.dtype == tf.int32
    assert request.temperature.dtype == tf.float32
    assert SampleRequest(tf.range(3)).indices.dtype == tf.int64
    assert SampleRequest(0).indices.shape == (0,)


@pytest.mark.parametrize(
    "values, message",
    [
        (dict(indices=-1), "from 0 up"),
        (dict(indices=True), "indices must be integers"),
        (dict(indices=[0.5]), "indices must be integers"),
        (dict(seed=2**31), "seed must fit int32"),
        (dict(seed=1.5), "seed must be integers"),
        (dict(labels=[1.7]), "labels must be integers"),
        (dict(labels=[2**40]), "labels must fit int32"),
        (dict(temperature=float("nan")), "temperature must be a finite number from 0 up"),
        (dict(temperature=-1), "temperature must be a finite number from 0 up"),
        (dict(truncation=float("inf")), "truncation must be a finite number from 0 up"),
        (dict(seed=tf.constant(2**40)), "seed must fit int32"),
        (dict(temperature=tf.constant(-1.0)), "temperature must be a finite number from 0 up"),
        (dict(truncation=1e300), "truncation must be a finite number from 0 up"),
        (dict(truncation_kind="cut"), "use scale or truncate"),
    ],
)
def test_values_that_would_be_changed_without_a_word_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        SampleRequest(**{"indices": 2, **values})
