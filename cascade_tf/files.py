"""Atomic writes, and checks of output directories."""

import contextlib
import os
from collections.abc import Iterable, Iterator

from etils import epath

from cascade_tf.description import absolute
from cascade_tf.errors import SettingError, UserError


def write_atomically(path: epath.Path, content: bytes | str) -> None:
    """Writes a file beside `path` and renames it: readers see the old content or the new.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(epath.Path(folder) / "a.txt", "text")
    ...     (epath.Path(folder) / "a.txt").read_text()
    'text'
    """
    data = content.encode() if isinstance(content, str) else content
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)  # left over only after an error


WILDCARDS = "*?[\\"


def refuse_wildcards(name: str, path: str | os.PathLike[str]) -> None:
    """Raises SettingError if a path, or the folder it is relative to, contains a wildcard.

    TensorFlow takes the path of a checkpoint or SavedModel for a pattern. It would not find there
    what it wrote.

    Args:
        name: of the setting or argument, for the message.
        path: of checkpoints or a SavedModel.

    >>> refuse_wildcards("workdir", "/runs/run [1]")
    Traceback (most recent call last):
    cascade_tf.errors.SettingError: workdir=/runs/run [1]: use a path without * ? [ \\, ...
    """
    whole = absolute(os.fspath(path))
    if any(character in whole for character in WILDCARDS):
        advice = "use a path without * ? [ \\, which TensorFlow takes for a pattern of names"
        raise SettingError({name: whole}, advice)


def make_directory(path: epath.Path) -> epath.Path:
    """Creates a directory and its parents, and checks that files can be written there.

    Raises:
        UserError: it cannot be created or written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     is_empty_directory(make_directory(epath.Path(folder) / "a" / "b"))
    True
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to the directory {path}: {error.strerror}") from error
    return path


@contextlib.contextmanager
def written_beside(directory: epath.Path) -> Iterator[epath.Path]:
    """Context manager of a new directory, which takes the place of `directory` when it is written.

    So `directory`, which does not exist or is empty, is never incomplete. After an error there is
    none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_beside(epath.Path(folder) / "new") as aside:
    ...         (aside / "a.txt").write_text("text")
    ...     [path.name for path in epath.Path(folder).iterdir()]
    4
    ['new']
    """
    aside = directory.with_name(f".{directory.name}.tmp")
    aside.rmtree(missing_ok=True)  # of a process that was killed
    make_directory(aside)
    try:
        yield aside
        if directory.exists():
            directory.rmdir()  # epath renames onto no directory
        aside.rename(directory)
    finally:
        aside.rmtree(missing_ok=True)


def is_empty_directory(path: epath.Path) -> bool:
    """Whether `path` is a directory with nothing in it."""
    return path.is_dir() and not any(path.iterdir())


def refuse_to_overwrite(paths: Iterable[epath.Path]) -> None:
    """Raises UserError if one of the paths exists and is not an empty directory."""
    for path in paths:
        if path.exists() and not is_empty_directory(path):
            raise UserError(f"{path} exists already: add `overwrite`, or use another directory")
