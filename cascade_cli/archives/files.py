"""Archives and their pictures as files."""

import contextlib
import itertools
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence

from etils import epath

from cascade_cli.options import DecompressOptions
from cascade_tf.errors import UsageError, UserError
from cascade_tf.interruption import Interrupted, StopRequest
from cascade_tf.progress import ProgressBar

SUFFIX = ".spn"


def input_paths(options: DecompressOptions) -> dict[str, epath.Path]:
    """The archives that `decompress` reads: one, or all of a folder.

    Returns:
        Paths by name: of a folder's, the path in it without suffix.

    Raises:
        UserError: there is none.
    """
    if not options.input:
        raise UsageError("`input` is missing: name an archive, or a folder of archives")
    path = epath.Path(options.input).expanduser()
    if path.is_dir():
        found = sorted(_archives(path))
        if not found:
            raise UserError(f"`input`: the folder {path} has no archives, *{SUFFIX}")
        return {str(own.relative_to(path).with_suffix("")): own for own in found}
    if not path.exists():
        raise UserError(f"`input`: there is no archive {path}")
    return {path.stem: path}


def _archives(folder: epath.Path) -> Iterator[epath.Path]:
    for path in folder.iterdir():
        if path.is_dir() and not os.path.islink(path):
            yield from _archives(path)
        elif path.suffix == SUFFIX:
            yield path


def file_names(names: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """Names of files with other suffixes, all of them different.

    Args:
        names: of the files. Those that have their suffix already keep their names.
        suffixes: in place of their own.

    >>> file_names(["a.jpg", "a.png", "b.gif", "a.webp"], [".png", ".png", ".gif", ".png"])
    ['a.jpg.png', 'a.png', 'b.gif', 'a.webp.png']
    """
    paths = [pathlib.PurePosixPath(name) for name in names]
    folders = {str(folder) for path in paths for folder in path.parents}
    used: set[str] = set()
    found = [""] * len(names)
    for k in sorted(range(len(names)), key=lambda k: paths[k].suffix != suffixes[k]):
        numbers = (f".{number}" for number in itertools.count(2))
        others = (names[k] + number + suffixes[k] for number in itertools.chain([""], numbers))
        wanted = itertools.chain([str(paths[k].with_suffix(suffixes[k]))], others)
        found[k] = next(name for name in wanted if name not in used and name not in folders)
        used.add(found[k])
    return found


def counted(pictures: int) -> str:
    """A number of pictures in words.

    >>> counted(1), counted(1200)
    ('1 picture', '1,200 pictures')
    """
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"


class _Stop(Exception):
    """Raised between two slices, on a signal."""


@contextlib.contextmanager
def progress(title: str, slices: int) -> Iterator[Callable[[], None]]:
    """A progress bar; yields a function to call after each slice, in any thread.

    Raises:
        Interrupted: on a signal, after the slices that are being coded.
    """
    lock = threading.Lock()
    with StopRequest() as stop, ProgressBar(title, slices, "slices") as bar:

        def on_slice() -> None:
            with lock, stop.at_closed_pipe():
                bar.advance()
            if stop.signal is not None:
                raise _Stop

        try:
            yield on_slice
        except _Stop:
            raise Interrupted(stop.signal or signal.SIGINT, "stopped") from None
