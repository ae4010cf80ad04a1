"""The checkpoints of a directory, by the names of their files."""

import re

from etils import epath

PREFIX = "ckpt"


def checkpoints(directory: epath.PathLike) -> list[str]:
    """Paths of the checkpoints in a directory, oldest first, whether they are whole or not.

    They are recognised by name: the file in which TensorFlow lists them could itself be damaged.
    """
    directory = epath.Path(directory)
    if not directory.is_dir():
        return []
    names = [path.name for path in directory.iterdir()]
    ours = [name for name in names if re.fullmatch(rf"{PREFIX}-\d+\.index", name)]
    return sorted((str(directory / name.removesuffix(".index")) for name in ours), key=step_of)


def step_of(path: str) -> int:
    """The training step of a checkpoint."""
    return int(path.rpartition("-")[2])


def has_checkpoint(directory: epath.Path) -> bool:
    """Whether a stage's directory holds a checkpoint."""
    return bool(checkpoints(directory / "checkpoints"))
