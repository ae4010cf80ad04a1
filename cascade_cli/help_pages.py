"""Pages of `--help`: the flags that most people need, in groups; or all flags."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping

from cascade_cli.scoped_flags import Flags
from cascade_cli.systems import FAMILIES
from cascade_tf.errors import UsageError, text
from cascade_tf.family import SHARED
from cascade_tf.settings import Entry, described, entries

_FLAG = re.compile(r"-h|--?help(full)?(?:=(\w+))?")
_GROUPS = {"data": "Data", "model": "Model", "training": "Training", "output": "Output"}
# Settings of the experiment that matter to commands other than train.
_OF_TRAINED = ("dataset", "data_dir", "batch_size", "seed")
_PURPOSES = {
    "train": (
        "Trains the stages of an experiment, all in order or one of them; resumes automatically.",
        (
            "--flagfile=configs/digits.flags",
            "--flagfile=configs/photos.flags --dataset=folder --data_dir=IMAGES --workdir=W",
        ),
    ),
    "evaluate": (
        "Prints metrics on held-out images: tables, then one line of JSON.",
        ("--workdir=W", "--workdir=W --inception=WEIGHTS --num_samples=10000"),
    ),
    "sample": (
        "Samples images, or upscales a folder of them: samples.png, samples.npz and stages.png.",
        (
            "--workdir=W --num_samples=16 --seed=0 --temperature=0.99 --output_dir=D",
            "--workdir=W --classes=0,3 --truncation=0.6 --output_dir=D",
            "--workdir=W --from_images=IMAGES --draws=4 --output_dir=D",
        ),
    ),
    "export": (
        "Writes a SavedModel that runs without this project's code.",
        ("--workdir=W --output_dir=D",),
    ),
}


def commands(names: Iterable[str]) -> str:
    """The page of `cascade-tf --help`.

    >>> print(commands(["export"]).splitlines()[4])
      export    Writes a SavedModel that runs without this project's code.
    """
    lines = [f"  {name:10}{_PURPOSES[name][0]}" for name in names]
    return "\n".join(
        [
            "Subscale Pixel Networks and not-so-BigGAN: train, evaluate, sample and export.",
            "",
            "usage: cascade-tf COMMAND [flags]",
            "",
            *lines,
            "",
            "cascade-tf COMMAND --help lists the flags of a command.",
        ]
    )


def wanted(command: str, arguments: list[str], flags: Flags) -> str | None:
    """The page that the arguments ask for; None if they do not ask for help.

    Raises:
        UsageError: help on a family that does not exist.
    """
    match = next((m for m in map(_FLAG.fullmatch, arguments) if m), None)
    if match is None:
        return None
    if match[1]:
        return _page(command, flags, {"": flags.names})
    if match[2]:
        if match[2] not in FAMILIES:
            raise UsageError(f"--help={match[2]}: use {', '.join(FAMILIES)}")
        family = FAMILIES[match[2]]
        return _page(command, flags, {match[2]: entries([*family.whole, *family.kinds, *SHARED])})
    return _page(command, flags, _short(command, flags))


def _short(command: str, flags: Flags) -> dict[str, dict[str, Entry]]:
    """The flags that most people need, by group."""
    own = entries([flags.options])
    groups: dict[str, dict[str, Entry]] = {title: {} for title in _GROUPS.values()}
    for name, entry in flags.names.items():
        needed = name in own or command == "train" or name in _OF_TRAINED
        if entry.facts.group and needed:
            groups[_GROUPS[entry.facts.group]][name] = entry
    return groups


def _page(command: str, flags: Flags, groups: Mapping[str, Mapping[str, Entry]]) -> str:
    purpose, examples = _PURPOSES[command]
    lines = [purpose, ""]
    lines += [f"  cascade-tf {command} {example}" for example in examples]
    for title, named in groups.items():
        if named:
            lines += ["", f"{title or 'All flags'}:"]
        for name, entry in named.items():
            lines += _flag_lines(name, entry)
    families = ", ".join(f"--help={name}" for name in FAMILIES)
    lines += [
        "",
        "  --flagfile=FILE: Read flags from a file; the last of equal flags counts. configs/ comes",
        "    with the package. A value can be for one stage only: --steps=depth:2000.",
        "",
        f"More: {families} for the settings of a model family, --helpfull for all flags.",
    ]
    return "\n".join(lines)


def _flag_lines(name: str, entry: Entry) -> list[str]:
    facts, default = entry.facts, text(entry.default)
    notes = [" | ".join(facts.choices)] if facts.choices else []
    limits = (facts.at_least, facts.above, facts.at_most, facts.below)
    if any(limit is not None for limit in limits):
        notes.append(described(facts))
    notes.append(f"default: {default}" if default else "no default")
    shown = f"[no]{name}" if entry.is_switch else name
    width = max(60, min(100, shutil.get_terminal_size().columns))
    return textwrap.wrap(
        f"--{shown}: {facts.help} ({'; '.join(notes)})",
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )
