"""Pages of `--help`: the flags that most people need, in groups; or all flags."""

import dataclasses
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping

from cascade_cli.scoped_flags import Flags
from cascade_cli.systems import FAMILIES
from cascade_tf.errors import UsageError, text
from cascade_tf.family import SHARED
from cascade_tf.settings import Entry, Setting, described, entries

_FLAG = re.compile(r"-h|--?help(full)?(?:=(\w+))?")
_GROUPS = {"data": "Data", "model": "Model", "training": "Training", "output": "Output"}
# Settings of the experiment that matter to evaluate, sample and export.
_OF_TRAINED = {
    "dataset": "Dataset in place of the recorded one: digits, photos, folder, or a TFDS name.",
    "data_dir": "Folder of images, or of TFDS datasets, in place of the recorded one.",
    "test_dir": "Folder of held-out images, in place of those of the recorded dataset.",
    "batch_size": "Images of a batch; by default that of training, at most 32.",
    "seed": "Seed of all draws; by default 0.",
}
# Those that decide what a program takes of an accelerator.
_OF_COMPILED = ("batch_size", "precision", "recompute", "fused_attention")
_PURPOSES = {
    "train": (
        "Trains the stages of an experiment, all in order or one of them; resumes automatically.",
        (
            "--flagfile=configs/digits.flags",
            "--data_dir=PICTURES",
            "--data_dir=PICTURES --workdir=W --max_minutes=120 --image_size=64",
        ),
    ),
    "evaluate": (
        "Prints metrics on held-out images: tables, then one line of JSON.",
        (
            "--workdir=W",
            "--workdir=W --inception=WEIGHTS --num_samples=10000",
            "--model=digits",
        ),
    ),
    "sample": (
        "Samples images, or upscales a folder of them: samples.png, samples.npz and stages.png.",
        (
            "--workdir=W --num_samples=16 --seed=0 --temperature=0.99 --output_dir=D",
            "--workdir=W --classes=0,3 --truncation=0.6 --output_dir=D",
            "--workdir=W --from_images=IMAGES --draws=4 --output_dir=D",
            "--model=digits --output_dir=D",
        ),
    ),
    "export": (
        "Writes a model for TensorFlow, jax, ONNX Runtime or LiteRT, or weights to give away.",
        (
            "--workdir=W --output_dir=D",
            "--workdir=W --format=stablehlo --batch_size=16 --output_dir=D",
            "--workdir=W --format=safetensors --output_dir=models/NAME",
        ),
    ),
    "compile": (
        "Compiles stages for a TPU or GPU that need not be there, and prints what a step takes.",
        (
            "--flagfile=configs/imagenet256.flags --target=tpu-v3 --devices=128",
            "--workdir=W --target=gpu-h100 --what=sample --batch_size=16",
        ),
    ),
    "lower": (
        "Writes the training step of a stage as a program that jax runs, with state and examples.",
        ("--flagfile=configs/celeba.flags --stage=spn --num_examples=20000 --output_dir=STEP",),
    ),
    "compare": (
        "Trains models on the same images, evaluates them alike, and writes one table.",
        ("--flagfile=configs/compare/digits.flags",),
    ),
    "compress": (
        "Writes pictures of any size to an archive without loss, with a model's likelihood.",
        (
            "--workdir=W --from_images=PICTURES --output=F.spn",
            "--model=photographs --from_images=PICTURES --each --output=D",
        ),
    ),
    "decompress": (
        "Writes the pictures of an archive as PNG files.",
        (
            "--workdir=W --input=F.spn --output_dir=D",
            "--workdir=W --input=F.spn --stage=slice --output_dir=D",
        ),
    ),
}


def commands(names: Iterable[str]) -> str:
    """The page of `cascade-tf --help`.

    >>> print(commands(["decompress"]).splitlines()[4])
      decompress  Writes the pictures of an archive as PNG files.
    """
    lines = [f"  {name:12}{_PURPOSES[name][0]}" for name in names]
    return "\n".join(
        [
            "Subscale Pixel Networks and not-so-BigGAN: train, evaluate, sample, compress.",
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
        return _page(command, {"": _with_defaults_by_family(flags.names)})
    if match[2]:
        if match[2] not in FAMILIES:
            raise UsageError(f"--help={match[2]}: use {', '.join(FAMILIES)}")
        return _page(command, {match[2]: _settings_of(match[2])})
    return _page(command, _short(command, flags))


def _short(command: str, flags: Flags) -> dict[str, dict[str, Entry]]:
    """The flags that most people need, by group."""
    own = entries([flags.options])
    known = _with_defaults_by_family(flags.names)
    if command in ("compress", "decompress"):
        known = own
    elif command in ("compile", "lower"):
        known = own | {name: _in_group(known[name], "training") for name in _OF_COMPILED}
    elif command not in ("train", "compare"):
        known = own | {
            name: known[name]._replace(default=None, facts=_facts_of_trained(known[name], help))
            for name, help in _OF_TRAINED.items()
        }
    groups: dict[str, dict[str, Entry]] = {group: {} for group in _GROUPS}
    for name, entry in known.items():
        if entry.facts.group:
            groups[entry.facts.group][name] = entry
    titles = _GROUPS if command in ("train", "compare") else _GROUPS | {"training": "Computation"}
    return {titles[group]: named for group, named in groups.items()}


def _in_group(entry: Entry, group: str) -> Entry:
    return entry._replace(facts=dataclasses.replace(entry.facts, group=group))


def _facts_of_trained(entry: Entry, help: str) -> Setting:
    return dataclasses.replace(entry.facts, help=help, group=entry.facts.group or "output")


def _settings_of(family: str) -> dict[str, Entry]:
    kind = FAMILIES[family]
    return entries([*kind.whole, *kind.kinds, *SHARED])


def _with_defaults_by_family(names: Mapping[str, Entry]) -> dict[str, Entry]:
    """Flags whose defaults are words where families differ."""
    known = dict(names)
    for name, entry in names.items():
        of_families = [_settings_of(family) for family in FAMILIES]
        defaults = {text(of[name].default) for of in of_families if name in of}
        if len(defaults) > 1:
            known[name] = entry._replace(default="by family")
    return known


def _page(command: str, groups: Mapping[str, Mapping[str, Entry]]) -> str:
    purpose, examples = _PURPOSES[command]
    lines = [purpose, ""]
    lines += [f"  cascade-tf {command} {example}" for example in examples]
    for title, named in groups.items():
        if named:
            lines += ["", f"{title or 'All flags'}:"]
        for name, entry in named.items():
            lines += _flag_lines(name, entry)
    if command in ("compile", "lower"):
        lines += ["", "Other settings are those of a training, or of the workdir."]
    elif command == "compare":
        lines += ["", "These and other settings of a training are for all models."]
    elif command != "train":
        lines += ["", "Other settings are those that the model was trained with."]
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
    if default:
        notes.append(f"default: {default}")
    note = f" ({'; '.join(notes)})" if notes else ""
    shown = f"[no]{name}" if entry.is_switch else name
    width = max(60, min(100, shutil.get_terminal_size().columns))
    return textwrap.wrap(
        f"--{shown}: {facts.help}{note}",
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )
