"""The record of the flags a stage was trained with: a flagfile beside its checkpoints.

Each stage has its own, so that stages can train at the same time in one workdir, and any of
them can be given to `--flagfile` to train the same stage anew.
"""

from collections.abc import Iterable, Mapping

from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import write_atomically

NAME = "flags.txt"


def save_record(directory: epath.Path, flags: Mapping[str, str]) -> None:
    """Writes flag values by name as a flagfile."""
    lines = [f"--{name}={value}" for name, value in sorted(flags.items())]
    write_atomically(directory / NAME, "\n".join(lines) + "\n")


def load_record(directory: epath.Path, name: str = NAME) -> dict[str, str] | None:
    """The flag values of a flagfile by name, or None where nothing is recorded."""
    path = directory / name
    if not path.exists():
        return None
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = [line.removeprefix("--").partition("=") for line in lines if line.startswith("--")]
    return {name: value for name, _, value in pairs}


def recorded_stages(workdir: epath.Path) -> list[str]:
    """Names of the stages recorded in a workdir."""
    return sorted(path.parent.name for path in workdir.glob(f"*/{NAME}"))


def check_same(
    directory: epath.Path,
    recorded: Mapping[str, str],
    given: Mapping[str, str],
    names: Iterable[str],
) -> None:
    """Compares given flags with recorded ones.

    Raises:
        UserError: one of `names` is in both with different values.
    """
    for name in names:
        if name in given and name in recorded and given[name] != recorded[name]:
            raise UserError(
                f"{directory} was trained with --{name}={recorded[name]}, not {given[name]}: "
                f"leave the flag out, or use another --workdir"
            )
