"""A lock that allows one trainer at a time in a stage's directory."""

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
HOLDER = "lock_holder"  # a separate file, since some systems forbid reading a locked one


@contextlib.contextmanager
def stage_lock(directory: epath.Path) -> Iterator[None]:
    """Context manager that locks a stage's directory for this process.

    The kernel locks the file `lock` and releases it when the process ends, even if it is killed.
    The file `lock_holder` names the process. If a dead process left one, that is reported on
    stderr and the file replaced. Network file systems must support locks across machines, as NFS
    does. File systems without locks get filelock's soft lock or none; gs:// and the like get none.

    Raises:
        UserError: another process trains the stage.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory, stage_lock(epath.Path(directory)):
    ...     (epath.Path(directory) / HOLDER).exists()
    True
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
        dead = _process(holder)
        if dead is not None:
            print(f"{directory}: {dead} ended abnormally", file=sys.stderr)
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
    """Description of the process that the file names; None without a file."""
    try:
        about = json.loads(holder.read_text())
        return f"process {about['pid']} on {about['host']}, since {about['since']}"
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return "an unknown process"
