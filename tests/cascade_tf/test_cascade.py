import numpy as np
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from tests.cascade_tf.two_player_stage import TwoPlayerStage


class _Recorder(TwoPlayerStage):
    """Adds its temperature to what the stage before made, and reports in two parts."""

    def sample(
        self, indices, seed, temperature, condition=None, known=None, on_progress=None, labels=None
    ):
        if on_progress is not None:
            on_progress()
            on_progress()
        before = tf.zeros([tf.shape(indices)[0]]) if condition is None else condition
        made = before + temperature
        return made if known is None else known


def test_each_stage_is_given_the_target_before_and_its_own_temperature():
    progress = []
    targets = sample_cascade(
        [_Recorder(), _Recorder()],
        tf.range(3, dtype=tf.int64),
        tf.constant(0),
        [tf.constant(0.5), tf.constant(1.0)],
        on_progress=lambda: progress.append(1),
    )
    np.testing.assert_array_equal(targets, [[0.5] * 3, [1.5] * 3])
    assert len(progress) == 4


def test_each_stage_is_told_what_is_known_of_its_own_target():
    targets = sample_cascade(
        [_Recorder(), _Recorder(), _Recorder()],
        tf.range(2, dtype=tf.int64),
        tf.constant(0),
        [tf.constant(0.5)] * 3,
        known=[None, tf.constant([7.0, 8.0]), None],
    )
    np.testing.assert_array_equal(targets, [[0.5, 0.5], [7.0, 8.0], [7.5, 8.5]])
