"""One trainer at a time in a stage's directory."""

import datetime
import fcntl
import json
import os
import socket
import sys
from types import TracebackType

from etils import epath

from cascade_tf.errors import UserError

NAME = "lock"


class StageLock:
    """Holds a stage's directory for this process; use it as a context manager.

    The lock is the kernel's, on the file `lock`, so it ends with the process however that ends;
    the file tells people who holds it. A file that a dead process left locks nothing: it is taken
    over, and that is told. File systems that several machines share must pass locks on, as NFS
    does; on one that knows no locks, and in storage such as gs://, there are none.

    Raises:
        UserError: another process trains the stage.
    """

    def __init__(self, directory: epath.Path):
        self._path = directory / NAME

    def __enter__(self) -> "StageLock":
        if "://" in str(self._path):
            return self
        self._file = open(self._path, "a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{self._path.parent} is being trained by {self._holder()}: stop that first, or "
                f"use another --workdir"
            ) from error
        except OSError:
            pass  # no locks on this file system
        left = self._holder()
        if left is not None:
            print(f"{self._path.parent}: {left} ended without a word", file=sys.stderr)
        now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        self._write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": now}))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if "://" not in str(self._path):
            self._write("")
            self._file.close()

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()

    def _holder(self) -> str | None:
        """Who wrote the file last, in words; None: nobody, or they said that they were done."""
        self._file.seek(0)
        text = self._file.read()
        if not text:
            return None
        try:
            told = json.loads(text)
            return f"process {told['pid']} on {told['host']}, since {told['since']}"
        except (ValueError, KeyError, TypeError):
            return "an unknown process"
