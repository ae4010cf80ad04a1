"""Models that come with the package, by name.

Such a model is a directory like a workdir: a directory for each stage, with its record and
`weights.safetensors` in place of checkpoints. The directories are in `models/`.
"""

import functools
import os

from etils import epath

from cascade_tf.errors import UserError

EXTRA = "assets.extra"  # TensorFlow's name for the files of others in a SavedModel


def models() -> list[str]:
    """Sorted names of the models that come with the package, which `load` takes.

    >>> "no such model" in models()
    False
    """
    home = _home()
    return sorted(path.name for path in home.iterdir() if _holds_stages(path)) if home else []


def located(model: str | os.PathLike[str]) -> epath.Path:
    """The directory of a model.

    Args:
        model: a workdir, the directory of a model, a SavedModel, or the name of a model that comes
            with the package. A workdir in the working directory precedes a model of its name; a
            folder of pictures does not.

    Raises:
        UserError: a name that is neither, or a SavedModel without weights for this package.

    >>> located("runs/emoji").name
    'emoji'
    """
    path, home = epath.Path(model).expanduser(), _home()
    if home and is_shipped(model):
        return home / path.name
    if os.fspath(model) == path.name and not path.exists():
        known = ", ".join(models()) or "none yet"
        raise UserError(f"there is no workdir {path}, and no model of that name: there is {known}")
    is_local = "://" not in os.fspath(path)  # a bucket is not asked
    if is_local and (path / "saved_model.pb").exists():
        if not (path / EXTRA).is_dir():
            raise UserError(
                f"{path} is a SavedModel for TensorFlow alone: those of Subscale Pixel Networks "
                f"also have a directory {EXTRA}, if this version exported them"
            )
        return path / EXTRA
    return path


def is_shipped(model: str | os.PathLike[str]) -> bool:
    """Whether `located` takes this for the name of a model that comes with the package."""
    return os.fspath(model) in models() and not _holds_stages(epath.Path(model))


def _holds_stages(path: epath.Path) -> bool:
    return path.is_dir() and any(path.glob("*/flags.txt"))


@functools.cache
def _home() -> epath.Path | None:
    """The directory of the models: within the package; in a checkout, beside it."""
    package = epath.Path(__file__).parent
    places = [folder / "models" for folder in (package, package.parent)]
    return next((place for place in places if place.is_dir()), None)
