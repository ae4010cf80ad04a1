"""Files that are never seen half-written."""

import os
from collections.abc import Iterable

from etils import epath

from cascade_tf.errors import UserError


def write_atomically(path: epath.Path, content: bytes | str) -> None:
    """Writes beside `path`, then renames: readers see the old file or the new one, whole."""
    data = content.encode() if isinstance(content, str) else content
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)  # where it could not be written, or not renamed


def make_directory(path: epath.Path) -> epath.Path:
    """Creates a directory that can be written to, with its parents.

    Raises:
        UserError: it cannot be created, or not written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to the directory {path}: {error.strerror}") from error
    return path


def is_empty_directory(path: epath.Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def refuse_to_overwrite(paths: Iterable[epath.Path]) -> None:
    """Raises UserError if one of the paths exists; an empty directory has nothing to lose."""
    for path in paths:
        if path.exists() and not is_empty_directory(path):
            raise UserError(f"{path} exists already: add `overwrite`, or use another directory")
