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
    made = Checkpoints(tf.train.Checkpoint(weights=weights, step=step), str(directory), keep)
    made.step = step
    return made


def _written(directory, weights, steps) -> Checkpoints:
    """Checkpoints of weights that are multiplied by their step."""
    made, original = _opened(directory, weights), weights.numpy()
    for step in steps:
        made.step.assign(step)
        weights.assign(original * step)
        made.save(made.step)
    weights.assign(original)
    return made


def test_the_newest_is_read_by_number_not_by_name(tmp_path, weights):
    original = weights.numpy()
    _written(tmp_path, weights, [2, 9, 10])
    assert [path.rsplit("-")[-1] for path in checkpoints(tmp_path)] == ["2", "9", "10"]
    read = _opened(tmp_path, weights)
    assert read.restore() and read.newest.endswith("ckpt-10")
    np.testing.assert_array_equal(weights, 10 * original)


def test_none_is_none(tmp_path, weights):
    assert not _opened(tmp_path, weights).restore() and checkpoints(tmp_path / "none") == []


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_flipped_bits_are_found_and_the_checkpoint_before_is_read(
    tmp_path, weights, suffix, capsys
):
    """Any bit: what is read is either what was written, or the checkpoint before, and told."""
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
        told = capsys.readouterr().err
        number = int(read.newest.rsplit("-")[-1])
        np.testing.assert_array_equal(weights, number * original)
        assert int(read.step) == number
        assert (number == 1) == ("ckpt-2" in told and "ckpt-1 is used instead" in told)
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


def test_those_of_earlier_processes_are_deleted_in_their_turn(tmp_path, weights):
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


def test_where_all_are_damaged_that_is_an_error(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    for number in (1, 2):
        (tmp_path / f"ckpt-{number}.index").write_bytes(b"")
    with pytest.raises(UserError, match=r"ckpt-1: it is damaged .*\(checkpoints there: ckpt-1, c"):
        _opened(tmp_path, weights).restore()


def test_a_damaged_one_is_written_anew_when_its_number_comes_again(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    (tmp_path / "ckpt-2.index").write_bytes(b"")
    read = _opened(tmp_path, weights)
    read.restore()
    read.step.assign(2)
    read.save(read.step)
    again = _opened(tmp_path, weights)
    assert again.restore() and again.newest.endswith("ckpt-2")


def test_what_a_killed_process_left_is_cleared_up_and_nothing_else(tmp_path, weights):
    _written(tmp_path, weights, [1, 2])
    before = {path.name: path.read_bytes() for path in tmp_path.glob("ckpt-*")}
    (tmp_path / "ckpt-3_temp").mkdir()
    (tmp_path / "ckpt-3_temp" / "part").write_bytes(b"half")
    (tmp_path / "ckpt-3.data-00000-of-00001").write_bytes(b"without an index")
    unnamed = tmp_path / f"checkpoint.tmp{'0f' * 16}"  # which TensorFlow would have renamed
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


def test_a_file_system_that_fails_is_no_damaged_checkpoint(tmp_path, weights, monkeypatch):
    """None before it is read in its place."""
    _written(tmp_path, weights, [1, 2])

    def unavailable(file, count=None):
        raise tf.errors.UnavailableError(None, None, "the store does not answer")

    read = _opened(tmp_path, weights)
    monkeypatch.setattr(tf.io.gfile.GFile, "read", unavailable)
    with pytest.raises(tf.errors.UnavailableError):
        read.restore()
    assert read.newest is None
