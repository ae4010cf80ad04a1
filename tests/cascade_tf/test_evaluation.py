import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import DataConfig, open_source
from cascade_tf.errors import UserError
from cascade_tf.evaluation import Evaluator
from cascade_tf.strategies import make_strategy
from tests.cascade_tf.trainings import DIGITS
from tests.cascade_tf.two_player_stage import TwoPlayerStage


def _evaluate(strategy, batch_size, limit=21):
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        stage = TwoPlayerStage()
        stage.build()
    counts = []
    source = open_source(DIGITS, "test")
    return Evaluator(stage.evaluate_step, strategy).evaluate(
        source, batch_size, limit, counts.append
    ), counts


def test_padding_is_left_out_and_the_batch_size_does_not_matter():
    figures, counts = _evaluate(tf.distribute.get_strategy(), 8)
    assert counts == [8, 8, 5]
    assert figures["squared_error"].shape == (21,)
    others, _ = _evaluate(tf.distribute.get_strategy(), 6)
    np.testing.assert_allclose(figures["squared_error"], others["squared_error"], rtol=1e-5)


@pytest.mark.parametrize("limit", [21, 2])  # the last batch fills one replica's share, or less
def test_two_replicas_give_each_example_its_figure_in_order(limit):
    one, _ = _evaluate(tf.distribute.get_strategy(), 8, limit)
    two, _ = _evaluate(make_strategy("mirrored"), 8, limit)
    np.testing.assert_allclose(two["squared_error"], one["squared_error"], rtol=1e-5)


def test_evaluation_without_a_decodable_image_has_no_figures(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"no image")
    stage = TwoPlayerStage()
    stage.build()
    source = open_source(DataConfig("folder", str(tmp_path), 32, 1, bad_images="skip"), "all")
    with pytest.raises(UserError, match="none of the images"):
        Evaluator(stage.evaluate_step, tf.distribute.get_strategy()).evaluate(source, 8)
