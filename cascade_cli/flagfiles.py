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
            flags += expand(_lines(path), path.parent)
        except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: endless recursion
            reason = error.strerror if isinstance(error, OSError) else error
            if isinstance(error, UnicodeDecodeError):
                reason = "not text in UTF-8: save the file in that encoding"
            raise UsageError(f"--flagfile={path}: {reason}") from error
    return flags


def is_given(arguments: list[str]) -> bool:
    """Whether a command line has a flagfile.

    >>> is_given(["--seed=1", "--flagfile=configs/digits.flags"])
    True
    """
    return any(map(_FLAG.fullmatch, arguments))


def _lines(path: pathlib.Path) -> list[str]:
    """The lines of a file that are flags, without the spaces around them."""
    text = path.read_text(encoding="utf-8-sig")  # editors add a byte-order mark
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", b"\0", 0, 1, "UTF-16 without a byte-order mark")
    lines = [line.strip() for line in text.split("\n")]
    return [line for line in lines if line and not line.startswith(("#", "//"))]


def _located(path: pathlib.Path, directory: pathlib.Path | None) -> pathlib.Path:
    if directory is not None:
        return directory / path
    if not path.exists() and path.parts[0] == "configs":
        package = pathlib.Path(__file__).parent  # in a checkout, configs/ lies beside it
        places = [folder / path for folder in (package, package.parent)]
        return next((place for place in places if place.exists()), path)
    return path
