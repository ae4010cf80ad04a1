"""One trainer at a time in a stage's directory."""

import contextlib
import datetime
import json
import os
import socket
import sys
from collections.abc import Iterator

import filelock
from etils import epath

from cascade_tf.errors import UserError

NAME = "lock"
HOLDER = "lock_holder"  # a file of its own: some systems let nobody read one that is locked


@contextlib.contextmanager
def stage_lock(directory: epath.Path) -> Iterator[None]:
    """Holds a stage's directory for this process.

    The lock is the kernel's, on the file `lock`, so it ends with the process however that ends.
    The text beside it, `lock_holder`, names the process. One that a dead process left locks
    nothing: it is reported on stderr, and replaced. File systems that several machines share must
    pass locks on, as NFS does. One that knows no locks gets filelock's soft one, or none; storage
    such as gs:// has none.

    Raises:
        UserError: another process trains the stage.
    """
    if "://" in str(directory):
        yield
        return
    lock, holder = filelock.FileLock(directory / NAME, timeout=0), epath.Path(directory) / HOLDER
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(
            f"{directory} is being trained by {_process(holder) or 'an unknown process'}: stop "
            f"that first, or use another `workdir`"
        ) from error
    except (NotImplementedError, OSError):
        pass  # no locks on this file system
    try:
        left = _process(holder)
        if left is not None:
            print(f"{directory}: {left} ended without a word", file=sys.stderr)
        now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        about = {"host": socket.gethostname(), "pid": os.getpid(), "since": now}
        holder.write_text(json.dumps(about))
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)
    finally:
        lock.release()


def _process(holder: epath.Path) -> str | None:
    """The process that the file names, in words; None where there is no file."""
    try:
        about = json.loads(holder.read_text())
        return f"process {about['pid']} on {about['host']}, since {about['since']}"
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return "an unknown process"
