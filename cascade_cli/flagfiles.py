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
        directory: of a relative FILE; None: the working directory, or else, for
            configs/NAME.flags, the ones that come with the package.

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
            path = _located(path.expanduser(), directory)
            lines = [line.strip() for line in path.read_text().splitlines()]
            own = [line for line in lines if line and not line.startswith(("#", "//"))]
            flags += expand(own, path.parent)
        except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: a file in itself
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"--flagfile={path}: {reason}") from error
    return flags


def _located(path: pathlib.Path, directory: pathlib.Path | None) -> pathlib.Path:
    if directory is not None:
        return directory / path
    if not path.exists() and path.parent == pathlib.Path("configs"):
        package = pathlib.Path(__file__).parent  # in a checkout, configs/ lies beside it
        places = [folder / path for folder in (package, package.parent)]
        return next((place for place in places if place.exists()), path)
    return path
