"""Curves of killed and resumed trainings, as TensorBoard itself reads them."""

import numpy as np
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    TENSORS,
    EventAccumulator,
)

from cascade_tf.summaries import Summaries
from tests.cascade_tf.trainings import trainer
from tests.cascade_tf.two_player_stage import TwoPlayerStage


def _steps(run, tag):
    """Steps of a tag, in the order of TensorBoard."""
    events = EventAccumulator(str(run), {TENSORS: 0}).Reload()
    return [event.step for event in events.Tensors(tag)]


def _end_session(directory, number):
    """Renames new files: TensorBoard reads by name, which begins with the second of creation."""
    for path in directory.glob("*/events.out.tfevents.1*"):
        path.rename(path.with_name(f"events.out.tfevents.0{number}{path.name[-40:]}"))


def _session(directory, number, start, steps):
    summaries = Summaries(directory)
    summaries.start(start)
    for step in steps:
        summaries.scalars("train", step, {"loss": 1.0})
        summaries.images("train", step, "samples", np.zeros([1, 2, 2, 1], np.uint8))
        summaries.text("train", step, "flags", "text")
        if step % 2 == 0:
            summaries.scalars("test_live_weights", step, {"loss": 1.0})
    summaries.flush()
    _end_session(directory, number)


def test_steps_past_the_last_checkpoint_are_read_once_after_kills(tmp_path):
    _session(tmp_path, 1, 0, range(1, 4))  # killed before the first checkpoint
    _session(tmp_path, 2, 0, range(1, 9))  # killed after a checkpoint at step 4
    _session(tmp_path, 3, 5, range(5, 8))  # killed again before the next one
    for tag in ("loss", "samples", "flags"):
        assert _steps(tmp_path / "train", tag) == [*range(1, 8)]
    Summaries(tmp_path).start(5)  # before anything is evaluated
    assert _steps(tmp_path / "test_live_weights", "loss") == [2, 4]


def test_a_resumed_training_has_each_step_once(tmp_path, eagerly):
    options = dict(checkpoint_every=2, summary_every=1, evaluate_every=3, held_out=True)
    trainer(TwoPlayerStage(), tmp_path, steps=4, evaluate_images=2, **options).train()
    _end_session(tmp_path, 1)
    for path in (tmp_path / "checkpoints").glob("ckpt-4*"):
        path.unlink()  # as if it had been killed
    resumed = trainer(TwoPlayerStage(), tmp_path, steps=5, evaluate_images=2, **options)
    assert resumed.step == 2
    resumed.train()
    assert _steps(tmp_path / "train", "generator_loss") == [1, 2, 3, 4, 5]
    assert _steps(tmp_path / "train", "flags") == [1, 3]
    for run in ("test", "test_live_weights"):
        assert _steps(tmp_path / run, "squared_error") == [3]
