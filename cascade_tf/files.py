"""Files that are never seen half-written."""

import os
import pathlib
from collections.abc import Iterable

from cascade_tf.errors import UserError


def write_atomically(path: pathlib.Path, content: bytes | str) -> None:
    """Writes beside `path`, then renames: readers see the old file or the new one, whole."""
    data = content.encode() if isinstance(content, str) else content
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_bytes(data)
    aside.replace(path)


def make_directory(path: pathlib.Path) -> pathlib.Path:
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


def refuse_to_overwrite(paths: Iterable[pathlib.Path]) -> None:
    """Raises UserError if one of the paths exists."""
    for path in paths:
        if path.exists():
            raise UserError(f"{path} exists already: add --overwrite, or use another --output_dir")
