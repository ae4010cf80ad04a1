"""Flagfiles that include other flagfiles, by paths relative to the including file.

absl resolves such paths in the working directory, so a flagfile would work from one place only.
"""

import pathlib
import re

from cascade_tf.errors import UsageError

_FLAG = re.compile("--?flagfile(?:=(.*))?")


def expand(arguments: list[str], directory: pathlib.Path | None = None) -> list[str]:
    """Replaces each `--flagfile=FILE` by the flags in the file.

    >>> expand(["--seed=1", "--flagfile=configs/imagenet64_5bit.flags"])[-1]
    '--bits=5'

    Args:
        arguments: of a command line.
        directory: the directory of a relative FILE; None: the working directory. If
            configs/NAME.flags is not there, the one that comes with the package is read.

    Raises:
        UsageError: a file that cannot be read, is not text, or includes itself.
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
            path = _located(path.expanduser(), directory)
            lines = [line.strip() for line in path.read_text().splitlines()]
            own = [line for line in lines if line and not line.startswith(("#", "//"))]
            flags += expand(own, path.parent)
        except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: endless recursion
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--flagfile={path}: {reason}") from error
    return flags


def is_given(arguments: list[str]) -> bool:
    """Whether a command line has a flagfile.

    >>> is_given(["--seed=1", "--flagfile=configs/digits.flags"])
    True
    """
    return any(map(_FLAG.fullmatch, arguments))


def _located(path: pathlib.Path, directory: pathlib.Path | None) -> pathlib.Path:
    if directory is not None:
        return directory / path
    if not path.exists() and path.parent == pathlib.Path("configs"):
        package = pathlib.Path(__file__).parent  # in a checkout, configs/ lies beside it
        places = [folder / path for folder in (package, package.parent)]
        return next((place for place in places if place.exists()), path)
    return path
