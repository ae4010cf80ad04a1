"""Trains several models on the same images, evaluates them alike, and writes one table.

A workdir of a comparison has a workdir of each model, and

- comparison.md and comparison.json: the figures;
- samples.png: a row of samples of each model;
- curves.png: bits/dim over the time of training, of held-out images where a training evaluates
  them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath
from rich.table import Table

from cascade_cli.evaluation import likelihood
from cascade_cli.evaluation.curves import plot_all
from cascade_cli.evaluation.report import FINGERPRINT, Figures
from cascade_cli.options import CompareOptions, SampleOptions
from cascade_cli.systems import FAMILIES, open_system
from cascade_cli.tables import print_table
from cascade_tf.codecs import TITLES
from cascade_tf.data import open_source
from cascade_tf.data.fingerprint import fingerprint
from cascade_tf.errors import UserError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, write_atomically
from cascade_tf.pictures import enlarge, png_bytes, sheet

_SAMPLES = "samples.npy"  # in the directory of each model
_COLUMNS = (
    "bits/dim",
    "parameters",
    "steps",
    "minutes of training",
    "seconds a sample",
    "GB of memory in training",
)


def main(models: Mapping[str, list[str]], options: CompareOptions) -> None:
    """Trains, evaluates and compares models.

    Args:
        models: their flags of `train`, by name.
        options: of the command.
    """
    assert options.workdir is not None
    workdir = make_directory(epath.Path(options.workdir).expanduser())
    results = {
        name: _measured(workdir / name, flags, options, codecs=name == next(iter(models)))
        for name, flags in models.items()
    }
    images = {name: figures[FINGERPRINT] for name, figures in results.items()}
    first, *others = images.values()
    if any(other != first for other in others):
        raise UserError(f"the models were evaluated on different images: {images}")
    samples = [np.load(os.fspath(workdir / name / _SAMPLES)) for name in models]
    page = sheet(np.concatenate(samples), columns=options.num_samples, gap=1)
    write_atomically(workdir / "samples.png", png_bytes(enlarge(page)))
    curves = {name: _curve(workdir / name, r["minutes"]) for name, r in results.items()}
    write_atomically(workdir / "curves.png", plot_all(curves, "minutes of training", "bits/dim"))
    rows = _rows(results)
    write_atomically(workdir / "comparison.md", _markdown(rows))
    write_atomically(workdir / "comparison.json", json.dumps(results, indent=1))
    table = Table(title=f"{len(models)} models, {first['images']} held-out images")
    for number, title in enumerate(rows[0]):
        table.add_column(title, justify="right" if number else "left")
    for row in rows[1:]:
        table.add_row(*row)
    print_table(table)
    print(json.dumps(results))


def _measured(
    directory: epath.Path, flags: Sequence[str], options: CompareOptions, codecs: bool
) -> dict[str, Any]:
    """The figures of a model, which is trained first; those of a finished one are read.

    Args:
        directory: of the model.
        flags: of `train`.
        options: of the command.
        codecs: whether image codecs are measured, too.
    """
    path = directory.with_name(f"{directory.name}.json")
    settings = {
        "flags": [*flags],
        "num_images": options.num_images,
        "num_samples": options.num_samples,
        "codecs": codecs,
    }
    if path.exists():
        stored = json.loads(path.read_text())
        if stored["settings"] != settings:
            raise UserError(f"{path} has figures of other settings: use another workdir")
        return stored["figures"]
    print(f"compare: {directory.name}", file=sys.stderr, flush=True)
    memory = _train(flags, directory.name)
    experiment = Experiment(directory, FAMILIES)
    figures = _evaluated(experiment, options.num_images, codecs) | {"memory": memory}
    stages: list[Any] = experiment.load_stages()
    figures["parameters"] = sum(stage.parameters() for stage in stages)
    figures["minutes"] = sum(_seconds(experiment, name) for name in experiment.stage_names) / 60
    system = open_system(experiment, options)
    drawing = system.drawing(stages, SampleOptions(num_samples=options.num_samples), seed=0)
    numbers = np.arange(options.num_samples)
    drawing.draw(numbers, lambda: None)  # it compiles
    began = time.perf_counter()
    *_, images = drawing.draw(numbers, lambda: None).values()
    figures["seconds_per_sample"] = (time.perf_counter() - began) / len(numbers)
    np.save(os.fspath(directory / _SAMPLES), images)
    write_atomically(path, json.dumps({"settings": settings, "figures": figures}))
    return figures


def _train(flags: Sequence[str], name: str) -> int:
    """Trains a model in a process of its own; the most bytes of memory that it had."""
    command = [sys.executable, "-m", "cascade_cli", "train", *flags]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"the training of {name} failed; the same command resumes")
    return usage.ru_maxrss * 1024


def _evaluated(experiment: Experiment, count: int, codecs: bool) -> dict[str, Any]:
    """Figures of the first `count` held-out images, with their fingerprint."""
    for name in experiment.stage_names:
        experiment.require_held_out(name)
    source = open_source(experiment.data_of_all_stages(), "test")
    total = min(source.num_examples, count)
    figures = Figures()
    strategy = tf.distribute.get_strategy()
    likelihood.evaluate(experiment, strategy, source, total, figures, codecs, files=False)
    return figures.results | {FINGERPRINT: fingerprint(source, total)._asdict()}


def _seconds(experiment: Experiment, stage: str) -> float:
    """The time that a stage was trained for, over all resumes."""
    checkpoint = tf.train.load_checkpoint(os.fspath(experiment.directory(stage) / "checkpoints"))
    return float(checkpoint.get_tensor("seconds/.ATTRIBUTES/VARIABLE_VALUE"))


def _curve(directory: epath.Path, minutes: float) -> dict[float, float]:
    """Bits/dim by minutes of training, of a model of one stage; empty for others."""
    experiment = Experiment(directory, FAMILIES)
    if len(experiment.stage_names) > 1:
        return {}
    stage = experiment.directory(experiment.stage_names[0])
    points = _points(stage / "test") or _points(stage / "train")
    last = max(_points(stage / "train"), default=0)
    return {minutes * step / last: value for step, value in points.items()}


def _points(run: epath.Path) -> dict[int, float]:
    """Bits/dim by step, from the summaries of a run."""
    points = {}
    for file in sorted(os.fspath(path) for path in run.glob("events*")):
        for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                if value.tag == "bits_per_dim":
                    points[event.step] = float(tf.make_ndarray(value.tensor))
    return points


def _rows(results: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The table: titles, a row for each model, and a row for each codec."""
    rows = [["", *_COLUMNS]]
    for name, r in results.items():
        rows.append(
            [
                name,
                f"{r['bits_per_dim']:.3f} ± {r['standard_error']:.3f}",
                f"{r['parameters']:,}",
                ", ".join(f"{steps:,}" for steps in r["steps"].values()),
                f"{r['minutes']:.1f}",
                f"{r['seconds_per_sample']:.2g}",
                f"{r['memory'] / 1e9:.1f}",
            ]
        )
    codecs = next(iter(results.values()))
    for codec, title in TITLES.items():
        if codec in codecs:
            rows.append([title, f"{codecs[codec]:.3f}", *[""] * (len(_COLUMNS) - 1)])
    return rows


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:], ""])
