import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.checkpoints import Checkpoints, checkpoints
from cascade_tf.errors import UserError


@pytest.fixture
def weights():
    return tf.Variable(np.random.default_rng(0).normal(size=200).astype(np.float32))


def _opened(directory, weights, keep=5) -> Checkpoints:
    step = tf.Variable(0, dtype=tf.int64)
    opened = Checkpoints(tf.train.Checkpoint(weights=weights, step=step), str(directory), keep)
    opened.step = step
    return opened


def _written(directory, weights, steps) -> Checkpoints:
    """Writes checkpoints of the weights times the step."""
    written, original = _opened(directory, weights), weights.numpy()
    for step in steps:
        written.step.assign(step)
        weights.assign(original * step)
        written.save(written.step)
    weights.assign(original)
    return written


def test_the_newest_is_read_by_number_not_by_name(tmp_path, weights):
    original = weights.numpy()
    _written(tmp_path, weights, [2, 9, 10])
    assert [path.rsplit("-")[-1] for path in checkpoints(tmp_path)] == ["2", "9", "10"]
    read = _opened(tmp_path, weights)
    assert read.restore() and read.newest.endswith("ckpt-10")
    np.testing.assert_array_equal(weights, 10 * original)


def test_without_a_checkpoint_nothing_is_restored(tmp_path, weights):
    assert not _opened(tmp_path, weights).restore() and checkpoints(tmp_path / "none") == []


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_flipped_bits_are_detected_and_the_checkpoint_before_is_read(
    tmp_path, weights, suffix, capsys
):
    """For any bit, the weights are as written or those of the checkpoint before, with a warning."""
    original = weights.numpy()
    _written(tmp_path, weights, [1, 2])
    file = tmp_path / f"ckpt-2.{suffix}"
    whole = file.read_bytes()
    rng, fallen_back = np.random.default_rng(1), 0
    for _ in range(40):
        bit = int(rng.integers(8 * len(whole)))
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        file.write_bytes(broken)
        read = _opened(tmp_path, weights)
        weights.assign(tf.zeros_like(weights))
        assert read.restore()
        warning = capsys.readouterr().err
        number = int(read.newest.rsplit("-")[-1])
        np.testing.assert_array_equal(weights, number * original)
        assert int(read.step) == number
        assert (number == 1) == ("ckpt-2" in warning and "ckpt-1 is used instead" in warning)
        fallen_back += number == 1
    assert fallen_back > 20


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_checkpoint_that_was_cut_short_is_not_used(tmp_path, weights, suffix):
    _written(tmp_path, weights, [1, 2])
    file = tmp_path / f"ckpt-2.{suffix}"
    whole = file.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        read = _opened(tmp_path, weights)
        assert read.restore() and read.newest.endswith("ckpt-1")
    file.unlink()
    assert _opened(tmp_path, weights).restore()


def test_checkpoints_of_earlier_processes_are_deleted_when_too_old(tmp_path, weights):
    for first in (1, 5, 9):
        _written(tmp_path, weights, range(first, first + 4))
    kept = [int(path.rsplit("-")[-1]) for path in checkpoints(tmp_path)]
    assert kept == [8, 9, 10, 11, 12]


def test_a_damaged_list_of_checkpoints_loses_none(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    (tmp_path / "checkpoint").write_bytes(b"\0\xff nonsense")
    read = _opened(tmp_path, weights)
    assert read.restore() and read.newest.endswith("ckpt-2")
    read.step.assign(3)
    read.save(read.step)
    assert len(checkpoints(tmp_path)) == 3


def test_it_is_an_error_if_all_checkpoints_are_damaged(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    for number in (1, 2):
        (tmp_path / f"ckpt-{number}.index").write_bytes(b"")
    with pytest.raises(UserError, match=r"ckpt-1: it is damaged .*\(checkpoints there: ckpt-1, c"):
        _opened(tmp_path, weights).restore()


def test_a_damaged_checkpoint_is_overwritten_by_the_next_of_its_step(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    (tmp_path / "ckpt-2.index").write_bytes(b"")
    read = _opened(tmp_path, weights)
    read.restore()
    read.step.assign(2)
    read.save(read.step)
    again = _opened(tmp_path, weights)
    assert again.restore() and again.newest.endswith("ckpt-2")


def test_only_partial_files_of_a_killed_process_are_deleted(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    before = {path.name: path.read_bytes() for path in tmp_path.glob("ckpt-*")}
    (tmp_path / "ckpt-3_temp").mkdir()
    (tmp_path / "ckpt-3_temp" / "part").write_bytes(b"half")
    (tmp_path / "ckpt-3.data-00000-of-00001").write_bytes(b"without an index")
    unnamed = tmp_path / f"checkpoint.tmp{'0f' * 16}"  # TensorFlow renames it after writing
    unnamed.write_text("half")
    theirs = [f"ckpt-best.{end}" for end in ("index", "data-00000-of-00001")] + ["ckpt-x_temp"]
    for name in theirs:
        (tmp_path / name).write_text("of the user")
    read = _opened(tmp_path, weights)
    read.restore()
    read.step.assign(4)
    read.save(read.step)
    after = {path.name: path.read_bytes() for path in tmp_path.glob("ckpt-*")}
    assert set(after) - set(before) == {"ckpt-4.index", "ckpt-4.data-00000-of-00001", *theirs}
    assert {name: after[name] for name in before} == before and not unnamed.exists()
    assert [path.rsplit("-")[-1] for path in read.paths] == ["1", "2", "4"]


def test_a_failing_file_system_is_not_taken_for_a_damaged_checkpoint(
    tmp_path, weights, monkeypatch
):
    """No earlier checkpoint is read instead."""
    _written(tmp_path, weights, [1, 2])

    def unavailable(file, count=None):
        raise tf.errors.UnavailableError(None, None, "the store does not answer")

    read = _opened(tmp_path, weights)
    monkeypatch.setattr(tf.io.gfile.GFile, "read", unavailable)
    with pytest.raises(tf.errors.UnavailableError):
        read.restore()
    assert read.newest is None
