import errno
import os
import subprocess
import sys

import pytest

from cascade_tf.errors import UserError
from cascade_tf.stage_lock import stage_lock

_HOLDER = """
import pathlib, sys, time
from cascade_tf.stage_lock import stage_lock
with stage_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def _hold(directory) -> subprocess.Popen:
    command = [sys.executable, "-c", _HOLDER, str(directory)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_trainer_is_refused_and_a_dead_one_holds_no_lock(tmp_path, capsys):
    holder = _hold(tmp_path)
    with (
        pytest.raises(UserError, match=rf"being trained by process {holder.pid} on .*, since \d"),
        stage_lock(tmp_path),
    ):
        pass
    holder.kill()
    holder.communicate()
    with stage_lock(tmp_path):
        assert f"process {holder.pid} on " in capsys.readouterr().err
    with stage_lock(tmp_path):
        assert capsys.readouterr().err == ""  # the last holder released the lock


def test_lock_files_of_other_versions_hold_no_lock(tmp_path, capsys):
    (tmp_path / "lock").write_text('{"pid": 1}')  # older versions wrote the holder here
    (tmp_path / "lock_holder").write_text("{")
    with stage_lock(tmp_path):
        assert "an unknown process" in capsys.readouterr().err
        assert str(os.getpid()) in (tmp_path / "lock_holder").read_text()
    assert not (tmp_path / "lock_holder").exists()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_file_system_without_locks_allows_training(number, tmp_path, monkeypatch, capsys):
    def flock(*_) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    for _ in range(2):
        with stage_lock(tmp_path):
            assert str(os.getpid()) in (tmp_path / "lock_holder").read_text()
    assert capsys.readouterr().err == ""


def test_a_directory_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), stage_lock(tmp_path / "file"):
        pass
