"""One trainer at a time in a stage's directory."""

import contextlib
import datetime
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import TextIO

from etils import epath

from cascade_tf.errors import UserError

NAME = "lock"


@contextlib.contextmanager
def stage_lock(directory: epath.Path) -> Iterator[None]:
    """Holds a stage's directory for this process.

    The lock is the kernel's, on the file `lock`, so it ends with the process however that ends;
    the file tells people who holds it. A file that a dead process left locks nothing: it is taken
    over, and that is told. File systems that several machines share must pass locks on, as NFS
    does; on one that knows no locks, and in storage such as gs://, there are none.

    Raises:
        UserError: another process trains the stage.
    """
    if "://" in str(directory):
        yield
        return
    with open(directory / NAME, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{directory} is being trained by {_holder(file)}: stop that first, or use "
                f"another --workdir"
            ) from error
        except OSError:
            pass  # no locks on this file system
        left = _holder(file)
        if left is not None:
            print(f"{directory}: {left} ended without a word", file=sys.stderr)
        now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        _rewrite(file, json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": now}))
        try:
            yield
        finally:
            _rewrite(file, "")


def _rewrite(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _holder(file: TextIO) -> str | None:
    """Who wrote the file last, in words; None: nobody, or they said that they were done."""
    file.seek(0)
    text = file.read()
    if not text:
        return None
    try:
        told = json.loads(text)
        return f"process {told['pid']} on {told['host']}, since {told['since']}"
    except (ValueError, KeyError, TypeError):
        return "an unknown process"
