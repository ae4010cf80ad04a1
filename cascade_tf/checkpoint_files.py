"""Trained weights in a directory, recognised by their file names."""

import re

from etils import epath

from cascade_tf.errors import UserError

PREFIX = "ckpt"
WEIGHTS = "weights.safetensors"  # of a model to give away, in place of checkpoints


def checkpoints(directory: epath.PathLike) -> list[str]:
    """Paths of the checkpoints in a directory, oldest first, damaged ones included.

    TensorFlow's own list is not read, since that file may be damaged too.

    >>> checkpoints("no/such/directory")
    []
    """
    directory = epath.Path(directory)
    if not directory.is_dir():
        return []
    names = [path.name for path in directory.iterdir()]
    ours = [name for name in names if re.fullmatch(rf"{PREFIX}-\d+\.index", name)]
    return sorted((str(directory / name.removesuffix(".index")) for name in ours), key=step_of)


def step_of(path: str) -> int:
    """The training step of a checkpoint.

    >>> step_of("runs/digits/spn/checkpoints/ckpt-2000")
    2000
    """
    return int(path.rpartition("-")[2])


def has_checkpoint(directory: epath.Path) -> bool:
    """Whether a stage's directory holds a checkpoint.

    >>> has_checkpoint(epath.Path("no/such/directory"))
    False
    """
    return bool(checkpoints(directory / "checkpoints"))


def has_weights(directory: epath.Path) -> bool:
    """Whether a stage's directory holds weights in place of checkpoints.

    >>> has_weights(epath.Path("no/such/directory"))
    False
    """
    return (directory / WEIGHTS).exists()


def refuse_weights(directory: epath.Path) -> None:
    """Raises UserError if a stage's directory holds weights, which a training would not resume."""
    if has_weights(directory):
        raise UserError(
            f"{directory} holds the weights of a finished model: train in another `workdir`, with "
            f"`init_from`={directory.parent}"
        )
