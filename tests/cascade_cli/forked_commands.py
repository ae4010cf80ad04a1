"""Runs commands, each in a fork of a process that has imported TensorFlow but not used it.

In a process of its own, each would spend most of its time importing. Every line of stdin is a
JSON list of jobs that run side by side. Each has a `directory` to work in, a `command` (as "train",
or "train eagerly") and its `arguments`. It may have more `environment`, and `killed`, a file's
pattern or null, and seconds: it is killed so long after there is such a file. Every line of stdout
answers with exit code, stdout and stderr of each.
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

    def __init__(self, told: dict) -> None:
        self._stdout = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed by answer()
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._child = os.fork()
        if self._child == 0:
            os.dup2(self._stdout.fileno(), 1)
            os.dup2(self._stderr.fileno(), 2)
            os.chdir(told["directory"])
            os.environ |= told.get("environment", {})
            signal.alarm(SECONDS)  # which ends the command
            name, _, how = told["command"].partition(" ")
            tf.config.run_functions_eagerly(how == "eagerly")
            os._exit(exit_code([name, *told["arguments"]]))
        if "killed" in told:
            where = pathlib.Path(told["directory"])
            threading.Thread(target=self._kill, args=(where, *told["killed"]), daemon=True).start()

    def _kill(self, directory: pathlib.Path, pattern: str | None, seconds: float) -> None:
        while pattern and not any(directory.glob(pattern)):
            time.sleep(0.05)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)

    def answer(self) -> tuple[int, str, str]:
        """Waits for the end."""
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
    jobs = [Job(told) for told in json.loads(line)]
    print(json.dumps([job.answer() for job in jobs]), file=answers, flush=True)
