"""A folder of pictures without the files that this project wrote into it.

A default workdir lies in the current directory, which may be the folder of pictures. Its samples
and plots must not become training pictures.
"""

import os
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf

from cascade_tf import record, stage_lock

_SHEETS = {"samples.png", "stages.png"}  # beside samples.npz
_PLOTS = {"nearest.png", "truncations.png", "training.png"}  # beside evaluation.json
_ALWAYS = {"chosen.flags", "evaluation.json"}
_ARRAYS = {"samples.npz", "stages.npz"}

Folder = tuple[str, list[str], list[str]]  # its path, and the names of its folders and files


def without_own_outputs(root: str, walk: Iterable[Folder]) -> Iterator[Folder]:
    """The folders of a walk without stages of workdirs, samples and plots.

    The user's pictures beside them stay. `root` itself may be a workdir.

    Args:
        root: where the walk begins.
        walk: from the top down; it must enter only those folders that remain in the lists.

    >>> walk = [("photos", [], ["1.png", "samples.npz", "samples.png"])]
    >>> list(without_own_outputs("photos", walk))
    [('photos', [], ['1.png'])]
    """
    for folder, folders, names in walk:
        stages = [name for name in folders if _is_stage(os.path.join(folder, name))]
        workdir, name = os.path.split(folder)
        is_samples = folder != root and name == "samples" and _is_workdir(workdir)
        folders[:] = [
            name
            for name in folders
            if name not in stages and not (is_samples and name.startswith("step_"))
        ]
        own = _own_files(names)
        yield folder, folders, [name for name in names if name not in own]


def _own_files(names: Sequence[str]) -> set[str]:
    """Names that the project writes, if the files that it writes with them are there."""
    return (
        _ALWAYS
        | (_SHEETS | _ARRAYS if "samples.npz" in names else set())
        | (_PLOTS if "evaluation.json" in names else set())
    )


def _is_workdir(folder: str) -> bool:
    names = tf.io.gfile.listdir(folder)
    return any(_is_stage(os.path.join(folder, name)) for name in names)


def _is_stage(folder: str) -> bool:
    return all(
        tf.io.gfile.exists(os.path.join(folder, name)) for name in (record.NAME, stage_lock.NAME)
    )
