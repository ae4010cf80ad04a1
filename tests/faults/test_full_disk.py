import shutil
import subprocess
import sys

import pytest

from cascade_tf.checkpoints import checkpoints
from tests.cascade_cli.commands import BIN
from tests.faults.kills import SYSTEMS

_IN_A_SMALL_DISK = """
mount -t tmpfs -o size=1500k none "$1" || exit 77
workdir=$1 kept=$2
shift 2
"$@"
code=$?
cp -r "$workdir"/* "$kept"
exit $code
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")
def test_a_full_disk_ends_the_training_with_its_last_checkpoint_whole(tmp_path):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    shell = ["unshare", "-rm", "sh", "-c", _IN_A_SMALL_DISK, "sh", disk, kept]
    train = [
        *(sys.executable, BIN / "train", f"--workdir={disk}", *SYSTEMS["spn"], "--dataset=digits"),
        *("--channels=1", "--batch_size=4", "--evaluate_every=0"),
        *(
            "--steps=1000",
            "--checkpoint_every=1",
            "--keep_checkpoints=1000",
            "--learning_rate=1e-3",
        ),
    ]
    done = subprocess.run([*shell, *train], capture_output=True, text=True, check=False)
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip("this machine mounts no small disks")
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert "No space left on device" in message and message.startswith("train: ")
    assert len(checkpoints(kept / "spn" / "checkpoints")) > 1
    again = [sys.executable, BIN / "train", f"--workdir={kept}", "--steps=1"]
    resumed = subprocess.run(again, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0 and "resumed at step" in resumed.stderr, resumed.stderr
