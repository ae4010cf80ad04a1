"""Records of the settings that stages were trained with: flagfiles beside checkpoints.

Each stage has a record of its own, so that stages can train at the same time in one workdir. A
record is also a flagfile that trains the same stage again.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import write_atomically

if TYPE_CHECKING:
    from cascade_tf.data.source import Source
    from cascade_tf.stage import Stage
    from cascade_tf.training_config import TrainingConfig

NAME = "flags.txt"


def stage_record(stage: "Stage", config: "TrainingConfig", source: "Source") -> dict[str, str]:
    """Settings of a stage's model, training and data, as texts by name."""
    return stage.description.record(config, source.config) | {"split": source.split}


def save_record(directory: epath.Path, record: Mapping[str, str]) -> None:
    """Writes settings by name as a flagfile, `directory`/flags.txt.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     save_record(epath.Path(directory), {"bits": "5"})
    ...     load_record(epath.Path(directory))
    {'bits': '5'}
    """
    lines = [f"--{name}={value}" for name, value in sorted(record.items())]
    write_atomically(directory / NAME, "\n".join(lines) + "\n")


def load_record(directory: epath.Path, name: str = NAME) -> dict[str, str] | None:
    """Settings of a flagfile by name; None if there is no such file."""
    path = directory / name
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors add a byte-order mark
        lines = [line.strip() for line in text.split("\n")]
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file") from error
    pairs = [line.removeprefix("--").partition("=") for line in lines if line.startswith("--")]
    return {name: value for name, _, value in pairs}


def recorded_stages(workdir: epath.Path) -> list[str]:
    """Sorted names of the stages that have a record in a workdir."""
    folders = workdir.iterdir() if workdir.is_dir() else ()
    return sorted(folder.name for folder in folders if (folder / NAME).exists())


def check_same(
    directory: epath.Path,
    recorded: Mapping[str, str],
    settings: Mapping[str, str],
    names: Iterable[str],
) -> None:
    """Compares settings from the user with recorded ones.

    Args:
        directory: of the stage, for the message.
        recorded: texts by name.
        settings: texts by name, from the user.
        names: of the settings to compare.

    Raises:
        UserError: a setting of `names` is in both, with different values.

    >>> check_same(epath.Path("W/spn"), {"bits": "5"}, {"bits": "8"}, ["bits"])
    Traceback (most recent call last):
    cascade_tf.errors.UserError: W/spn was trained with `bits`=5, not 8: leave it out, or use ...
    """
    different = _different(recorded, settings, names)
    if different:
        name = different[0]
        raise UserError(
            f"{directory} was trained with `{name}`={recorded[name]}, not {settings[name]}: "
            f"leave it out, or use another `workdir`"
        )


def check_same_model(
    directory: epath.Path,
    recorded: Mapping[str, str],
    settings: Mapping[str, str],
    names: Iterable[str],
) -> None:
    """Compares the model of a training with that of the stage from whose weights it starts.

    Args:
        directory: of the stage that is started from.
        recorded: its record, completed with defaults.
        settings: texts by name, of the training.
        names: of the settings to compare.

    Raises:
        UserError: settings of `names` are in both, with different values; it names all of them.

    >>> check_same_model(epath.Path("W/spn"), {"bits": "5"}, {"bits": "8"}, ["bits"])
    Traceback (most recent call last):
    cascade_tf.errors.UserError: `init_from`: the model of W/spn has `bits`=5, not 8: ...
    """
    different = _different(recorded, settings, names)
    if different:
        parts = [f"`{name}`={recorded[name]}, not {settings[name]}" for name in different]
        raise UserError(
            f"`init_from`: the model of {directory} has {'; '.join(parts)}: leave these settings "
            f"out, or start from random weights"
        )


def _different(
    recorded: Mapping[str, str], settings: Mapping[str, str], names: Iterable[str]
) -> list[str]:
    both = recorded.keys() & settings.keys()
    return [name for name in names if name in both and settings[name] != recorded[name]]
