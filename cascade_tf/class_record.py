"""Records of the classes that stages were trained on: `classes.json` beside checkpoints.

Labels are numbers of classes. If a class folder is added, removed or renamed, a number stands for
another class, so the training of a model of classes cannot continue.
"""

import json
from typing import TYPE_CHECKING

from etils import epath

from cascade_tf.class_names import difference, listed
from cascade_tf.errors import SettingError, UserError
from cascade_tf.files import write_atomically

if TYPE_CHECKING:
    from cascade_tf.data.source import Source

NAME = "classes.json"


def save_classes(directory: epath.Path, source: "Source") -> None:
    """Writes the names of a source's classes and their numbers of images, if they have names.

    >>> import tempfile
    >>> from cascade_tf.data import DataConfig, open_source
    >>> source = open_source(DataConfig("digits", channels=1), "test")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_classes(epath.Path(directory), source)
    ...     load_classes(epath.Path(directory))["9"]
    50
    """
    if source.class_names:
        counts = source.class_counts or (None,) * len(source.class_names)
        classes = dict(zip(source.class_names, counts, strict=True))
        write_atomically(directory / NAME, json.dumps(classes, indent=1) + "\n")


def load_classes(directory: epath.Path) -> dict[str, int | None]:
    """Numbers of images by class, in the order of labels; empty if no classes are recorded.

    Raises:
        UserError: the record is damaged.
    """
    path = directory / NAME
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged: delete it to record the classes anew") from error


def require_number_of_classes(num_classes: int, source: "Source") -> None:
    """Raises SettingError if a model has another number of classes than a source; 1 is allowed."""
    if num_classes in (1, source.num_classes):
        return
    if source.num_classes == 1:
        advice = (
            f"the images have 1 class: put them into {num_classes} folders, one for each class, or "
            f"use a model without classes"
        )
    else:
        names = f" ({listed(source.class_names)})" if source.class_names else ""
        advice = (
            f"the images have {source.num_classes} classes{names}: use that number, or 1 to ignore "
            f"classes"
        )
    raise SettingError({"num_classes": num_classes}, advice)


def require_known_classes(num_classes: int, source: "Source | None") -> None:
    """Raises UserError if a model knows classes, and a source has others than training images."""
    if source is not None and num_classes > 1 and source.unknown_classes:
        raise UserError(
            f"held-out images have the classes {listed(source.unknown_classes)}, which training "
            f"images lack ({listed(source.class_names)}): use the same folders for both, or "
            f"`num_classes`=1 to ignore classes"
        )


def require_same_classes(
    directory: epath.Path,
    num_classes: int,
    source: "Source",
    otherwise: str = "use another `workdir`",
) -> None:
    """Compares the classes of a source with those that a stage was trained on.

    Args:
        directory: of the stage.
        num_classes: of the model; 1 if it ignores classes.
        source: of the images to train or evaluate on.
        otherwise: what the user can do if the classes are meant to differ.

    Raises:
        UserError: it knows classes, and their names or their order changed.
    """
    recorded = list(load_classes(directory))
    if num_classes == 1 or not recorded or not source.class_names:
        return
    changed = difference(recorded, source.class_names)
    if changed:
        place = source.config.data_dir if source.name == "folder" else source.name
        raise UserError(
            f"{directory} was trained on other classes than {place} has now: {changed}; undo that, "
            f"or {otherwise}"
        )


def require_model_of_classes(directory: epath.Path, num_classes: int, source: "Source") -> None:
    """Raises UserError if a stage knows classes, and those of a source to evaluate are others.

    Args:
        directory: of the stage.
        num_classes: of the model; 1 if it ignores classes.
        source: of the images.
    """
    advice = "evaluate images of the same classes"
    require_same_classes(directory, num_classes, source, advice)
    if num_classes > 1 and (source.num_classes != num_classes or source.unknown_classes):
        found = f"{source.num_classes}" + (" and others" if source.unknown_classes else "")
        raise UserError(
            f"{directory} was trained on {num_classes} classes, and these images have {found}: "
            f"{advice}"
        )


def changes(directory: epath.Path, source: "Source") -> str | None:
    """A line about the classes and their numbers of images that changed; None without a change."""
    recorded = load_classes(directory)
    now = dict(zip(source.class_names, source.class_counts, strict=False))
    if not recorded or not now:
        return None
    parts = [
        f"{name or '(no folder)'} {count:,} to {now[name]:,}"
        for name, count in recorded.items()
        if count is not None and now.get(name, count) != count
    ]
    line = difference(list(recorded), source.class_names)
    lines = ([f"classes: {line}"] if line else []) + ([f"images: {listed(parts)}"] if parts else [])
    return f"changed since the last start: {'; '.join(lines)}" if lines else None


def described(source: "Source") -> str:
    """The names of a source's classes and their numbers of images, on a line.

    >>> from cascade_tf.data import DataConfig, open_source
    >>> described(open_source(DataConfig("digits", channels=1), "test"))
    '10 classes: 0 (50 images), 1 (50), 2 (50), 3 (50), ...'
    """
    names = [name or "(no folder)" for name in source.class_names]
    if source.class_counts:
        names = [f"{n} ({c:,})" for n, c in zip(names, source.class_counts, strict=True)]
        names[0] = names[0].replace(")", " images)")
    return f"{source.num_classes:,} classes" + (f": {listed(names)}" if names else "")
