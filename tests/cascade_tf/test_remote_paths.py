"""Workdirs behind a URL, with TensorFlow's in-memory file system in place of gs:// and others."""

import numpy as np
import pytest
import tensorflow as tf
from etils.epath import gpath, register

from cascade_tf import record
from cascade_tf.files import make_directory, write_atomically
from cascade_tf.stage_lock import stage_lock
from tests.cascade_tf.trainings import final_weights, trainer
from tests.cascade_tf.two_player_stage import TwoPlayerStage


@pytest.fixture
def remote(monkeypatch, request):
    monkeypatch.setattr(gpath, "_URI_SCHEMES", ("ram", *gpath._URI_SCHEMES))
    monkeypatch.setattr(gpath, "_URI_PREFIXES", ("ram://", *gpath._URI_PREFIXES))
    monkeypatch.setitem(register._URI_PREFIXES_TO_CLS, "ram://", gpath.PosixGPath)
    monkeypatch.setitem(gpath._URI_MAP_ROOT, "ram://", "/ram/")
    monkeypatch.setitem(gpath._PREFIX_TO_BACKEND, "ram", gpath._PREFIX_TO_BACKEND["gs"])
    return gpath.PosixGPath(f"ram://{request.node.name}")


def test_a_training_resumes(remote, tmp_path):
    with stage_lock(remote):
        trainer(TwoPlayerStage(), remote, steps=2, summary_every=1).train()
    resumed = trainer(TwoPlayerStage(), remote, steps=4)
    assert resumed.step == 2
    resumed.train()
    whole = trainer(TwoPlayerStage(), tmp_path, steps=4)
    whole.train()
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(resumed)[name], value, name)
    assert any("events" in name for name in tf.io.gfile.listdir(str(remote / "train")))


def test_files_and_records(remote):
    stage = make_directory(remote / "spn")
    record.save_record(stage, {"bits": "3"})
    record.save_record(stage, {"bits": "5"})
    assert record.load_record(stage) == {"bits": "5"} and record.recorded_stages(remote) == ["spn"]
    write_atomically(remote / "a.bin", b"\0\1")
    assert (remote / "a.bin").read_bytes() == b"\0\1"
    assert sorted(path.name for path in remote.iterdir()) == ["a.bin", "spn"]
