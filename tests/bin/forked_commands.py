"""Runs commands, each in a fork of a process that has imported TensorFlow but not used it.

In a process of its own, each would spend most of its time importing. Every line of stdin is a
JSON list: a working directory, a command of bin/ (as "train", or "train eagerly"), arguments.
Every line of stdout answers with exit code, stdout and stderr.
"""

import json
import os
import pathlib
import runpy
import signal
import sys
import tempfile
import traceback

SECONDS = 300
BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"
sys.path.insert(0, str(BIN))

import command_line  # noqa: E402, F401
import experiment  # noqa: E402, F401
import tensorflow as tf  # noqa: E402


def run_in_fork(directory: str, command: str, arguments: list[str]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        child = os.fork()
        if child == 0:
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            os.chdir(directory)
            signal.alarm(SECONDS)  # which ends the command
            name, _, how = command.partition(" ")
            tf.config.run_functions_eagerly(how == "eagerly")
            sys.argv = [str(BIN / name), *arguments]
            os._exit(exit_code_of_main())
        _, status = os.waitpid(child, 0)
        stdout.seek(0)
        stderr.seek(0)
        return os.waitstatus_to_exitcode(status), stdout.read(), stderr.read()


def exit_code_of_main() -> int:
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
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
    folder, name, *rest = json.loads(line)
    print(json.dumps(run_in_fork(folder, name, rest)), file=answers, flush=True)
