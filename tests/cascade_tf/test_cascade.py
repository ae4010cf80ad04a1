import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.sample_request import SampleRequest
from tests.cascade_tf.two_player_stage import TwoPlayerStage


class _Recorder(TwoPlayerStage):
    """Adds its temperature to the target of the stage before; reports progress twice."""

    accepts = ("temperature", "condition", "known")

    def _sample(self, request):
        if request.on_progress is not None:
            request.on_progress()
            request.on_progress()
        before = tf.zeros([tf.shape(request.indices)[0]])
        before = before if request.condition is None else request.condition
        return before + request.temperature if request.known is None else request.known


def test_each_stage_gets_the_previous_target_and_its_own_temperature():
    progress = []
    targets = sample_cascade(
        [_Recorder(), _Recorder()],
        SampleRequest(3, on_progress=lambda: progress.append(1)),
        [tf.constant(0.5), tf.constant(1.0)],
    )
    np.testing.assert_array_equal(targets, [[0.5] * 3, [1.5] * 3])
    assert len(progress) == 4


def test_each_stage_gets_the_known_parts_of_its_own_target():
    targets = sample_cascade(
        [_Recorder(), _Recorder(), _Recorder()],
        SampleRequest(2, temperature=0.5),
        known=[None, tf.constant([7.0, 8.0]), None],
    )
    np.testing.assert_array_equal(targets, [[0.5, 0.5], [7.0, 8.0], [7.5, 8.5]])


def test_a_known_first_target_is_not_sampled():
    targets = sample_cascade(
        [_Recorder(), _Recorder()],
        SampleRequest(2, temperature=0.5),
        first_target=tf.constant([3.0, 4.0]),
    )
    np.testing.assert_array_equal(targets, [[3.0, 4.0], [3.5, 4.5]])


def test_a_request_that_the_stages_cannot_answer_is_refused():
    stages = [_Recorder(), _Recorder()]
    with pytest.raises(ValueError, match="truncation: none of the stages can use it"):
        sample_cascade(stages, SampleRequest(2, truncation=0.5))
    with pytest.raises(ValueError, match="labels: none of the stages can use it"):
        sample_cascade(stages, SampleRequest(2, temperature=1.0, labels=[1, 2]))
