"""The directory of a data set, which is written whole or not at all, and the flags of every set."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags
from etils import epath

from cascade_tf.description import absolute
from cascade_tf.errors import UserError, with_flags
from cascade_tf.files import is_empty_directory, make_directory, written_beside

flags.DEFINE_string("output_dir", None, "Directory of the set.")
flags.DEFINE_string("package_dir", None, "Keeps the packages, for the next time.")
flags.DEFINE_integer("seed", 0, "Seed of the choice of what is held out, and of windows.")

_SETTINGS, _REPORT = "settings.json", "sources.txt"


def run(settings: Mapping[str, Any], write: Callable[[epath.Path], str]) -> None:
    """`make_set` in `--output_dir`; an error of the user ends the process with one line."""
    try:
        if not flags.FLAGS.output_dir:
            raise UserError("name the directory of the set by `output_dir`")
        make_set(flags.FLAGS.output_dir, settings, write)
    except UserError as error:
        raise SystemExit(with_flags(str(error))) from error


def make_set(
    output_dir: str | os.PathLike[str],
    settings: Mapping[str, Any],
    write: Callable[[epath.Path], str],
) -> None:
    """Calls `write` for a new directory, and prints its report.

    If the directory has this set already, its report alone is printed.

    Args:
        output_dir: directory of the set; with `settings.json` and the report in `sources.txt`.
        settings: of the set, for JSON.
        write: writes the set into a directory, and returns the report.

    Raises:
        UserError: the directory has other files.
    """
    directory = epath.Path(absolute(os.fspath(output_dir)))
    recorded = json.dumps(settings, indent=2)
    if not directory.exists() or is_empty_directory(directory):
        make_directory(directory.parent)
        with written_beside(directory) as whole:
            (whole / _REPORT).write_text(write(whole))
            (whole / _SETTINGS).write_text(recorded)
    elif not _is_recorded(directory / _SETTINGS, recorded):
        raise UserError(f"{directory} has other files than this set's: choose another `output_dir`")
    print((directory / _REPORT).read_text(), end="")


def _is_recorded(path: epath.Path, settings: str) -> bool:
    return path.exists() and path.read_text() == settings
