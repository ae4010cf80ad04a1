import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf import training_budget
from cascade_tf.errors import UserError
from cascade_tf.interruption import Interrupted
from cascade_tf.optimizers import RMSprop, learning_rate_schedule
from cascade_tf.progress import ProgressBar
from cascade_tf.stage_state import StageState
from cascade_tf.strategies import make_strategy
from cascade_tf.training_config import TrainingConfig
from tests.cascade_tf.trainings import final_weights, scalars, trainer
from tests.cascade_tf.two_player_stage import TwoPlayerStage


def _train(directory, **config):
    strategy = config.pop("strategy", None)
    trained = trainer(TwoPlayerStage(), directory, strategy, **config)
    trained.train()
    return trained


def test_a_stage_of_two_optimizers_trains_both_networks(tmp_path):
    untrained = trainer(TwoPlayerStage(), tmp_path / "untrained")
    trained = _train(tmp_path / "trained", steps=3)
    before, after = final_weights(untrained), final_weights(trained)
    assert before.keys() == after.keys()
    for name, value in before.items():
        if "kernel" in name or name.startswith("average"):
            assert (value != after[name]).any(), name
    assert trained.step == 3


def test_an_interrupted_training_ends_like_one_never_interrupted(tmp_path):
    whole = _train(tmp_path / "whole", steps=6)
    _train(tmp_path / "parts", steps=2)
    resumed = _train(tmp_path / "parts", steps=6)
    assert resumed.resumed and resumed.step == 6
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(value, final_weights(resumed)[name], name)


def test_two_replicas_equal_one(tmp_path):
    one = _train(tmp_path / "one", steps=4, summary_every=1)
    two = _train(tmp_path / "two", steps=4, summary_every=1, strategy=make_strategy("mirrored"))
    for tag in ("generator_loss", "discriminator_loss"):
        expected = scalars(tmp_path / "one", "train", tag)
        assert list(expected) == [1, 2, 3, 4]
        actual = scalars(tmp_path / "two", "train", tag)
        np.testing.assert_allclose(list(actual.values()), list(expected.values()), rtol=1e-5)
    for name, value in final_weights(one).items():
        np.testing.assert_allclose(
            final_weights(two)[name], value, rtol=1e-4, atol=1e-6, err_msg=name
        )


def test_held_out_figures_under_live_and_averaged_weights(tmp_path):
    trained = _train(tmp_path, steps=4, evaluate_every=2, evaluate_images=20, held_out=True)
    live = scalars(tmp_path, "test_live_weights", "squared_error")
    averaged = scalars(tmp_path, "test", "squared_error")
    assert list(live) == list(averaged) == [2, 4]
    assert live[4] != averaged[4]
    with trained.state.average.in_place():
        pass  # live weights come back
    assert scalars(tmp_path, "train", "images_per_second") == {}  # summary_every is 50


def test_evaluation_and_samples_leave_the_training_undisturbed(tmp_path):
    calls = []

    def previews(examples, on_progress):
        calls.append(len(examples.images))
        return {"samples": np.zeros([4, 2, 2, 1], np.uint8)}

    plain = _train(tmp_path / "plain", steps=4)
    busy = _train(
        tmp_path / "busy",
        steps=4,
        evaluate_every=1,
        evaluate_images=10,
        sample_every=2,
        checkpoint_every=1,
        held_out=True,
        previews=previews,
    )
    assert calls == [16, 16]  # as many examples as requested
    for name, value in final_weights(plain).items():
        np.testing.assert_array_equal(value, final_weights(busy)[name], name)


def test_a_training_starts_from_the_live_weights_of_another_workdir(tmp_path, monkeypatch):
    class Still(TwoPlayerStage):
        """Keeps its weights, so that they can be read after a step."""

        def prepare(self, source):
            self.generator.weights[0].assign(tf.ones_like(self.generator.weights[0]))
            return "prepared"

        def train_step(self, examples, step):
            return {"generator_loss": tf.constant(0.0)}

    first = final_weights(_train(tmp_path / "first" / "players", steps=3))
    untrained = final_weights(trainer(TwoPlayerStage(), tmp_path / "untrained"))
    monkeypatch.chdir(tmp_path)
    config = {"steps": 1, "init_from": "first"}
    new = trainer(Still(), tmp_path / "new" / "players", batch_size=16, **config)
    new.train()
    assert new.step == 1 and not new.resumed
    for name, value in final_weights(new).items():
        kind, number, *_ = name.split("/")
        if kind == "average":
            value, expected = value, new.state.stage.averaged_variables()[int(number)].numpy()
        else:
            expected = (untrained if "optimizer" in kind else first)[name]
        np.testing.assert_array_equal(value, expected, name)

    # A resumed training uses its own checkpoint, and needs the other workdir no more.
    shutil.rmtree(tmp_path / "first")
    resumed = trainer(
        TwoPlayerStage(), tmp_path / "new" / "players", batch_size=16, **config | {"steps": 2}
    )
    assert resumed.resumed and resumed.step == 1
    resumed.train()


def test_a_training_does_not_start_from_weights_of_another_model(tmp_path):
    with pytest.raises(UserError, match=r"there is no trained stage .*first/players"):
        trainer(TwoPlayerStage(), tmp_path / "new", init_from=tmp_path / "first")
    _train(tmp_path / "first" / "players", steps=1)
    record = tmp_path / "first" / "players" / "flags.txt"
    text = record.read_text().replace("--image_size=32", "--image_size=16")
    record.write_text(text.replace("--channels=1\n", ""))  # 3 by default
    with pytest.raises(UserError, match="`image_size`=16, not 32; `channels`=3, not 1: leave"):
        trainer(TwoPlayerStage(), tmp_path / "new", init_from=tmp_path / "first")


def test_the_directory_of_a_finished_model_is_not_trained_in(tmp_path):
    (tmp_path / "M" / "players").mkdir(parents=True)
    (tmp_path / "M" / "players" / "weights.safetensors").touch()
    with pytest.raises(UserError, match=r"train in another `workdir`, with `init_from`=.*/M"):
        trainer(TwoPlayerStage(), tmp_path / "M" / "players")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_a_checkpoint_from_which_training_resumes(tmp_path, number, request):
    before = signal.signal(number, signal.default_int_handler)  # under nohup SIGHUP is ignored
    request.addfinalizer(lambda: signal.signal(number, before))

    def interrupt(examples, on_progress):
        os.kill(os.getpid(), number)
        return {"samples": np.zeros([4, 2, 2, 1], np.uint8)}

    with pytest.raises(Interrupted) as stopped:
        _train(tmp_path / "parts", steps=6, sample_every=3, previews=interrupt)
    assert stopped.value.exit_code == 128 + number
    assert "step 3" in str(stopped.value)
    resumed = _train(tmp_path / "parts", steps=6)
    whole = _train(tmp_path / "whole", steps=6)
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(value, final_weights(resumed)[name], name)


def test_training_is_saved_if_nobody_reads_its_lines(tmp_path, monkeypatch):
    def update(bar, done, **figures):
        if done == 2:
            raise BrokenPipeError

    monkeypatch.setattr(ProgressBar, "update", update)
    with pytest.raises(Interrupted) as stopped:
        _train(tmp_path, steps=6)
    assert stopped.value.exit_code == 128 + signal.SIGPIPE
    assert (tmp_path / "checkpoints" / "ckpt-2.index").exists()


def test_training_stops_after_max_minutes_also_when_started_again(tmp_path):
    config = {"steps": 1_000_000, "max_minutes": 1 / 60}
    trained = _train(tmp_path, **config)
    assert 0 < trained.step < 1_000_000
    again = _train(tmp_path, **config)
    assert again.step == trained.step


@pytest.mark.parametrize("replacement", [None, "file"])
def test_a_last_checkpoint_that_cannot_be_written_is_an_error(tmp_path, replacement):
    directory = tmp_path / "checkpoints"

    def lose_the_checkpoints(examples, on_progress):
        shutil.rmtree(directory)
        if replacement:
            directory.write_bytes(b"")
        return {"samples": np.zeros([4, 2, 2, 1], np.uint8)}

    config = {"steps": 2, "checkpoint_every": 2, "sample_every": 2}
    if replacement:
        with pytest.raises(UserError, match=f"cannot write checkpoint 2 to {directory}: "):
            _train(tmp_path, **config, previews=lose_the_checkpoints)
    else:  # it is written again
        trained = _train(tmp_path, **config, previews=lose_the_checkpoints)
        assert [path.rsplit("-")[-1] for path in trained.state.checkpoints.paths] == ["2"]


class _WithShares(TwoPlayerStage):
    """The generator's rate falls linearly to zero, and to a tenth after half of the training."""

    def build(self):
        super().build()
        self.generator_optimizer = RMSprop(learning_rate_schedule([1.0, 0.1], [0.5], "linear"))
        self.generator_optimizer.build(self.generator.trainable_variables)

    def train_step(self, examples, step):
        rate = tf.identity(self.generator_optimizer.learning_rate)
        return {**super().train_step(examples, step), "rate": rate}


def test_rates_follow_shares_of_the_steps_and_a_longer_budget(tmp_path):
    for steps in (4, 12):
        trainer(_WithShares(), tmp_path, steps=steps, summary_every=1).train()
    rates = scalars(tmp_path, "train", "rate")
    after = [(1.0 if step < 6 else 0.1) * (1 - step / 12) for step in range(4, 12)]
    assert list(rates.values()) == pytest.approx([1, 0.75, 0.05, 0.025, *after])


def test_rates_follow_the_time_of_all_resumes(tmp_path):
    """Two steps that took 40 of 60 hours; a third begins at two thirds of the time."""
    first = trainer(_WithShares(), tmp_path, steps=2, summary_every=1)
    first.state.seconds.assign(40 * 3600.0)
    first.train()
    trainer(_WithShares(), tmp_path, steps=3, max_minutes=3600, summary_every=1).train()
    rates = scalars(tmp_path, "train", "rate")
    assert rates[3] == pytest.approx(0.1 * (1 - 2 / 3), rel=1e-3)


def test_the_first_steps_tell_what_the_training_amounts_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training_budget, "_SECONDS", 1e-9)
    images = _train(tmp_path / "a", steps=4)._train.num_examples
    told = [line for line in capsys.readouterr().err.splitlines() if "a step" in line]
    epochs = 4 * 8 / images
    assert len(told) == 1
    assert f"4 steps in all, {epochs:.2g} epochs of {images:,} images; consider more" in told[0]


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    trained = _train(tmp_path, steps=5, checkpoint_every=1, keep_checkpoints=2)
    assert [path.rsplit("-")[-1] for path in trained.state.checkpoints.paths] == ["4", "5"]


def test_a_loaded_stage_holds_the_averages_not_the_live_weights(tmp_path):
    trained = _train(tmp_path, steps=5)
    loaded = StageState.create(
        TwoPlayerStage(), TrainingConfig(), tmp_path, tf.distribute.get_strategy()
    )
    loaded.restore_averages()
    pairs = zip(
        loaded.stage.averaged_variables(),
        trained.state.average.averages,
        trained.state.stage.averaged_variables(),
        strict=True,
    )
    for variable, average, live in pairs:
        np.testing.assert_array_equal(variable.numpy(), average.numpy())
        assert (variable.numpy() != live.numpy()).any()


def test_a_diverging_training_stops_before_it_is_saved(tmp_path):
    class Diverging(TwoPlayerStage):
        def train_step(self, examples, step):
            metrics = super().train_step(examples, step)
            nan = tf.where(step >= 3, np.nan, 0.0)
            return metrics | {"generator_loss": metrics["generator_loss"] + nan}

    trained = trainer(Diverging(), tmp_path, steps=6, checkpoint_every=1)
    with pytest.raises(UserError, match=r"diverged at step 4 .*ckpt-3: .*`init_from`=/"):
        trained.train()
    assert trained.state.checkpoints.newest.endswith("ckpt-3")


def test_weights_that_are_not_numbers_are_not_saved(tmp_path):
    """The figures of that step are from before its update and are still finite."""

    class Overflowing(TwoPlayerStage):
        def train_step(self, examples, step):
            metrics = super().train_step(examples, step)
            weight = next(iter(self.networks().values())).trainable_variables[0]
            weight.assign_add(tf.fill(weight.shape, tf.where(step == 2, np.inf, 0.0)))
            return metrics

    trained = trainer(Overflowing(), tmp_path, steps=6, checkpoint_every=1)
    with pytest.raises(UserError, match=r"step 3 .*weights are not finite.*ckpt-2"):
        trained.train()
    assert trained.state.checkpoints.newest.endswith("ckpt-2")


def test_training_is_saved_if_an_image_cannot_be_read(tmp_path):
    trained = trainer(TwoPlayerStage(), tmp_path, steps=9)

    def failing(batch_size, start_index, share):
        def fail(index):
            raise ValueError("cannot decode image x.png: broken")

        good = stream(batch_size, start_index, share)
        bad = good.map(
            lambda e: e._replace(
                indices=tf.ensure_shape(tf.numpy_function(fail, [e.indices], tf.int64), [8])
            )
        )
        return good.take(3).concatenate(bad)

    source = trained._train
    stream, source.training_examples = source.training_examples, failing
    with pytest.raises(UserError, match=r"^cannot decode image x\.png: broken$"):
        trained.train()
    assert trained.state.checkpoints.newest.endswith("ckpt-3")


@pytest.mark.parametrize("part", ["evaluate", "previews"])
def test_training_is_saved_if_its_evaluation_or_preview_fails(tmp_path, part):
    def fail(*_):
        raise tf.errors.UnknownError(None, None, "cannot decode image x.png: broken")

    every = {"evaluate_every": 2} if part == "evaluate" else {"sample_every": 2, "previews": fail}
    trained = trainer(TwoPlayerStage(), tmp_path, held_out=True, steps=6, **every)
    if part == "evaluate":
        trained._test.evaluation_examples = fail
    with pytest.raises(UserError, match=r"^cannot decode image x\.png: broken$"):
        trained.train()
    assert trained.state.checkpoints.newest.endswith("ckpt-2")


def test_a_failing_evaluation_does_not_save_diverged_weights(tmp_path):
    trained = trainer(TwoPlayerStage(), tmp_path, held_out=True, steps=6, evaluate_every=3)

    def diverge(*_):
        weight = trained.state.stage.averaged_variables()[0]
        weight.assign(tf.fill(weight.shape, np.inf))
        raise ValueError("no figure")

    trained._test.evaluation_examples = diverge
    with pytest.raises(ValueError, match="no figure"):
        trained.train()
    assert trained.state.checkpoints.paths == []


def test_a_damaged_checkpoint_is_named(tmp_path):
    _train(tmp_path, steps=2)
    (data,) = (tmp_path / "checkpoints").glob("ckpt-2.data*")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(UserError, match=r"ckpt-2: it is damaged"):
        trainer(TwoPlayerStage(), tmp_path)
