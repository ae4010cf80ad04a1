"""Flagfiles that name other flagfiles: `--flagfile=imagenet64.flags` in a file is beside that file.

absl looks for them in the working directory, so that a flagfile could be used from one place only.
"""

import pathlib

from cascade_tf.errors import UsageError

_FLAG = "--flagfile="


def expand(arguments: list[str], directory: pathlib.Path | None = None) -> list[str]:
    """Puts the flags of each flagfile in the place of `--flagfile=FILE`.

    Args:
        arguments: of a command line.
        directory: which a relative FILE is in; the working directory if None.

    Raises:
        UsageError: a file that cannot be read, is no text, or names itself.
    """
    flags = []
    for argument in arguments:
        if not argument.startswith(_FLAG):
            flags.append(argument)
            continue
        path = pathlib.Path(argument.removeprefix(_FLAG)).expanduser()
        path = path if directory is None else directory / path
        try:
            lines = [line.strip() for line in path.read_text().splitlines()]
            flags += expand([line for line in lines if line.startswith("-")], path.parent)
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--flagfile={path}: {reason}") from error
    return flags
