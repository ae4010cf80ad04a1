"""Runs each command in a fork of a process that has imported TensorFlow but not used it.

A fresh process would spend most of its time importing. Every line of stdin is a JSON list of jobs
that run in parallel. A job is a dictionary:

    directory: working directory
    command: "train", or "train eagerly"
    arguments: list of strings
    environment: further environment variables (optional)
    killed: [pattern, seconds] (optional); SIGKILL is sent `seconds` after a file matches the
        pattern, or after the start if the pattern is null

Every line of stdout is a JSON list with the exit code, stdout and stderr of each job.
"""

import contextlib
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time
import traceback

from cascade_cli import command_line, quiet_tensorflow

quiet_tensorflow.start()

import tensorflow as tf  # noqa: E402

SECONDS = 300


class Job:
    """A command in a fork of this process."""

    def __init__(self, job: dict) -> None:
        self._stdout = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed by answer()
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._child = os.fork()
        if self._child == 0:
            os.dup2(self._stdout.fileno(), 1)
            os.dup2(self._stderr.fileno(), 2)
            os.chdir(job["directory"])
            os.environ |= job.get("environment", {})
            signal.alarm(SECONDS)  # ends a command that hangs
            name, _, mode = job["command"].partition(" ")
            tf.config.run_functions_eagerly(mode == "eagerly")
            os._exit(exit_code([name, *job["arguments"]]))
        if "killed" in job:
            directory = pathlib.Path(job["directory"])
            arguments = (directory, *job["killed"])
            threading.Thread(target=self._kill, args=arguments, daemon=True).start()

    def _kill(self, directory: pathlib.Path, pattern: str | None, seconds: float) -> None:
        while pattern and not any(directory.glob(pattern)):
            time.sleep(0.05)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)

    def answer(self) -> tuple[int, str, str]:
        """Waits for the command to end; returns exit code, stdout and stderr."""
        _, status = os.waitpid(self._child, 0)
        outputs = []
        for file in (self._stdout, self._stderr):
            file.seek(0)
            outputs.append(file.read())
            file.close()
        return os.waitstatus_to_exitcode(status), *outputs


def exit_code(arguments: list[str]) -> int:
    try:
        command_line.main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    jobs = [Job(job) for job in json.loads(line)]
    print(json.dumps([job.answer() for job in jobs]), file=answers, flush=True)
