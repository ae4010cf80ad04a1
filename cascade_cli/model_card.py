"""The card of a model to give away: a page of what it is, and how it was made."""

import shlex
from collections.abc import Sequence

from cascade_cli.evaluation.likelihood import in_words
from cascade_cli.evaluation.report import FINGERPRINT
from cascade_tf.class_record import load_classes
from cascade_tf.experiment import Experiment
from cascade_tf.record import NAME as RECORD
from cascade_tf.stage_state import StageState

NAME = "README.md"
TODO = "TODO"  # what only the author knows


def card(
    name: str, experiment: Experiment, states: Sequence[StageState], figures: dict | None
) -> str:
    """Markdown with the facts of the records and the evaluation.

    Args:
        name: of the model.
        experiment: of Subscale Pixel Networks.
        states: of its stages, trained.
        figures: as in `evaluation.json`; None if there are none.
    """
    last = experiment.stage_names[-1]
    record = experiment.recorded(last)
    size, bits = record["image_size"], record["bits"]
    colours = "RGB" if record["channels"] == "3" else "grey"
    classes = load_classes(experiment.directory(last)) if states[-1].stage.num_classes > 1 else {}
    parameters = sum(state.stage.parameters() for state in states)
    rows = {
        "images": f"{size}x{size}, {colours}, {bits} bits",
        **({"classes": ", ".join(classes)} if classes else {}),
        "network": f"{parameters:,} parameters in float16; stages: {', '.join(_names(states))}",
        "data": f"`--dataset={record['dataset']}`; {TODO}: the images and where they are from",
        "licence": f"{TODO}: of the images",
        "held out": _held_out(figures),
        "training": f"{'; '.join(map(_length, states))}; {TODO}: the machine",
        "command, in this folder": "<br>".join(f"`{line}`" for line in _commands(states, record)),
    }
    table = [f"| {title} | {row} |" for title, row in rows.items()]
    lines = [
        f"# {name}",
        "",
        f"{TODO}: what it samples, in a sentence.",
        "",
        "| | |",
        "|---|---|",
        *table,
        "",
        f"    cascade-tf sample --model={shlex.quote(name)} --num_samples=64 --output_dir=D",
        "",
        f"{TODO}: copy `D/samples.png` here: ![samples, not selected](samples.png)",
    ]
    return "\n".join(lines) + "\n"


def _names(states: Sequence[StageState]) -> list[str]:
    return [state.stage.name for state in states]


def _held_out(figures: dict | None) -> str:
    if figures is None:
        return f"{TODO}: `cascade-tf evaluate` the workdir with `--overwrite`, then export again"
    images = figures[FINGERPRINT]
    line = f"{in_words(figures)}; {figures['split']} split, sha256 {images['sha256'][:16]}..."
    return f"{line}, {images['preprocessing']}"


def _length(state: StageState) -> str:
    steps, minutes = int(state.step.numpy()), float(state.seconds.numpy()) / 60
    time = f" in {minutes:.1f} minutes" if minutes else ""  # not recorded beside weights
    return f"{state.stage.name}: {steps:,} steps{time}"


def _commands(states: Sequence[StageState], record: dict[str, str]) -> list[str]:
    """Commands that repeat the training, in the directory of the card."""
    paths = ["--data_dir=PICTURES"] if record["dataset"] == "folder" else []
    paths += ["--test_dir=HELD_OUT"] if record.get("test_dir") else []
    paths += ["--init_from=MODEL"] if record.get("init_from") else []
    commands = []
    for name in _names(states):
        stage = [f"--stage={name}"] if len(states) > 1 else []
        words = [f"--flagfile={name}/{RECORD}", *paths, "--workdir=W", *stage]
        commands.append(shlex.join(["cascade-tf", "train", *words]))
    return commands
