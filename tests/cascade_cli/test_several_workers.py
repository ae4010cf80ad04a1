"""Training with several worker processes on this machine, configured by TF_CONFIG."""

import json
import os
import socket

import numpy as np

from tests.cascade_cli.commands import TINY_MODEL, run_side_by_side
from tests.cascade_tf.trainings import scalars

_FLAGS = (
    *TINY_MODEL,
    "--dataset=digits",
    "--image_size=32",
    "--channels=1",
    "--batch_size=6",
    "--summary_every=1",
    "--workdir=w",
)


def _jobs(directory, count, *arguments) -> list[dict]:
    """Returns one job per worker."""
    directory.mkdir(exist_ok=True)
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    jobs = []
    for index in range(count):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        job = {"directory": str(directory), "command": "train"}
        job |= {"arguments": [*_FLAGS, *arguments], "environment": {"TF_CONFIG": config}}
        jobs.append(job if count > 1 else job | {"environment": {}})
    return jobs


def _curve(directory, tag):
    return np.array(list(scalars(directory / "w" / "spn", "train", tag).values()))


def test_several_workers_train_like_one_process_and_only_the_first_writes(tmp_path):
    flags = ("--steps=3", "--evaluate_every=3", "--evaluate_images=7")
    logs = {}
    for count in (1, 2, 3):
        directory = tmp_path / str(count)
        answers = run_side_by_side(_jobs(directory, count, *flags))
        assert [code for code, _, _ in answers] == [0] * count, answers
        assert not any(err for _, _, err in answers[1:])
        logs[count] = answers[0][2]
        for run in ("train", "test", "test_live_weights"):
            assert len(list((directory / "w" / "spn" / run).iterdir())) == 1
    assert "strategy: multiworker, on 3 devices of 3 workers" in logs[3]
    for count in (2, 3):
        for tag in ("bits_per_dim", "gradient_norm"):
            one, several = (_curve(tmp_path / str(n), tag) for n in (1, count))
            assert len(one) == 3
            np.testing.assert_allclose(several, one, rtol=1e-4)
        held_out = [
            list(scalars(tmp_path / str(n) / "w" / "spn", "test", "bits_per_dim").values())
            for n in (1, count)
        ]
        np.testing.assert_allclose(*held_out, rtol=1e-4)


def test_the_loss_of_a_worker_ends_the_others_and_a_restart_resumes(tmp_path):
    jobs = _jobs(tmp_path, 2, "--steps=1000000", "--checkpoint_every=1")
    jobs[0]["killed"] = ("w/spn/checkpoints/*.index", 0.5)
    killed, (code, _, err) = run_side_by_side(jobs)
    assert killed[0] == -9 and code == 1
    assert "another worker of this training was lost after step" in err.splitlines()[-1]
    steps = [p.stem.split("-")[1] for p in (tmp_path / "w/spn/checkpoints").glob("*.index")]
    newest = max(map(int, steps))
    jobs = _jobs(tmp_path, 2, f"--steps={newest + 1}", "--report=true")  # of one machine alone
    answers = run_side_by_side(jobs)
    assert [code for code, _, _ in answers] == [0, 0], answers
    assert f"resumed at step {newest}" in answers[0][2] and "train on:" not in answers[0][2]


def test_commands_of_one_process_ignore_the_other_workers(tmp_path, colour):
    job = _jobs(tmp_path, 2)[0] | {"command": "evaluate eagerly"}
    job["arguments"] = [f"--workdir={colour}", "--num_images=1", "--codecs=false"]
    ((code, _, err),) = run_side_by_side([job])
    assert code == 0, err


def test_an_invalid_tf_config_is_refused_in_one_line(tmp_path):
    for config, message in (
        ("{", "TF_CONFIG is not JSON of"),
        (
            json.dumps({"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}),
            "not JSON",
        ),
        ("", "--strategy=multiworker: the environment variable TF_CONFIG must name the workers"),
    ):
        job = _jobs(tmp_path, 1, "--strategy=multiworker", "--steps=1")[0]
        job["environment"] = {"TF_CONFIG": config}
        ((code, _, err),) = run_side_by_side([job])
        assert code == 2 and message in err and len(err.splitlines()) == 1
        assert os.listdir(tmp_path) == []
