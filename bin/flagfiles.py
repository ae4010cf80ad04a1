"""Flagfiles that name other flagfiles: `--flagfile=imagenet64.flags` in a file is beside that file.

absl looks for them in the working directory, so that a flagfile could be used from one place only.
"""

import pathlib
import re

from cascade_tf.errors import UsageError

_FLAG = re.compile("--?flagfile(?:=(.*))?")


def expand(arguments: list[str], directory: pathlib.Path | None = None) -> list[str]:
    """Puts the flags of each flagfile in the place of `--flagfile=FILE`.

    Args:
        arguments: of a command line.
        directory: which a relative FILE is in; the working directory if None.

    Raises:
        UsageError: a file that cannot be read, is no text, or names itself.
    """
    flags: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        match = _FLAG.fullmatch(argument)
        if match is None:
            flags.append(argument)
            continue
        path = pathlib.Path(match[1] or next(rest, ""))
        try:
            path = (directory or pathlib.Path()) / path.expanduser()
            lines = [line.strip() for line in path.read_text().splitlines()]
            told = [line for line in lines if line and not line.startswith(("#", "//"))]
            flags += expand(told, path.parent)
        except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: a file in itself
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--flagfile={path}: {reason}") from error
    return flags
