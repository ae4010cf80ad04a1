import os
import subprocess
import sys

import pytest

from cascade_tf.errors import UserError
from cascade_tf.stage_lock import StageLock

_HOLDER = """
import pathlib, sys, time
from cascade_tf.stage_lock import StageLock
with StageLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def _hold(directory) -> subprocess.Popen:
    command = [sys.executable, "-c", _HOLDER, str(directory)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_trainer_is_told_who_is_there_and_a_dead_one_holds_nothing(tmp_path, capsys):
    holder = _hold(tmp_path)
    with (
        pytest.raises(UserError, match=rf"being trained by process {holder.pid} on .*, since \d"),
        StageLock(tmp_path),
    ):
        pass
    holder.kill()
    holder.communicate()
    with StageLock(tmp_path):
        assert f"process {holder.pid} on " in capsys.readouterr().err
    with StageLock(tmp_path):
        assert capsys.readouterr().err == ""  # the last one took leave


def test_a_lock_file_of_nonsense_locks_nothing(tmp_path, capsys):
    (tmp_path / "lock").write_text("{")
    with StageLock(tmp_path):
        assert "an unknown process" in capsys.readouterr().err
        assert str(os.getpid()) in (tmp_path / "lock").read_text()
