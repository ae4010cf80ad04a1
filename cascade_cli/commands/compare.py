"""Trains several models on the same images, evaluates them alike, and writes one table.

A workdir of a comparison has a workdir of each model, and

- comparison.md and comparison.json: the figures;
- samples.png: a row of samples of each model;
- curves.png: bits/dim of each model of one stage over the time of training, of held-out images if
  all trainings evaluate them.

Trainings and evaluations are processes of their own. So each has the whole device.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath
from rich.table import Table

from cascade_cli import flagfiles
from cascade_cli.evaluation.curves import plot_all
from cascade_cli.evaluation.report import FINGERPRINT
from cascade_cli.options import CompareOptions
from cascade_cli.systems import FAMILIES
from cascade_cli.tables import print_table
from cascade_tf.codecs import TITLES
from cascade_tf.errors import UserError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, write_atomically
from cascade_tf.pictures import enlarge, png_bytes, sheet

_COLUMNS = (
    "bits/dim",
    "parameters",
    "steps",
    "minutes of training",
    "seconds a sample",
    "GB of the training's host memory",
)
_FIGURES, _MEMORY = "figures.json", "memory.json"  # in the workdir of each model


def main(models: Mapping[str, list[str]], options: CompareOptions) -> None:
    """Trains, evaluates and compares models.

    Args:
        models: their flags of `train`, by name.
        options: of the command.
    """
    assert options.workdir is not None
    workdir = make_directory(epath.Path(options.workdir).expanduser())
    known = {name: _known(workdir / name, flags, options) for name, flags in models.items()}
    results: dict[str, dict[str, Any]] = {}
    for name, flags in models.items():
        codecs = not any("webp" in figures for figures in (*known.values(), *results.values()))
        results[name] = known[name] or _measured(workdir / name, flags, options, codecs)
    images = {name: figures[FINGERPRINT] for name, figures in results.items()}
    first, *others = images.values()
    if any(other != first for other in others):
        raise UserError(f"the models were evaluated on different images: {images}")
    samples = []
    for name in models:
        with (workdir / name / "samples.npy").open("rb") as file:
            samples.append(np.load(file))
    page = sheet(np.concatenate(samples), columns=options.num_samples, gap=1)
    write_atomically(workdir / "samples.png", png_bytes(enlarge(page)))
    images_seen, points = _curves(workdir, results)
    curves = plot_all(points, "minutes of training", f"bits/dim of {images_seen}")
    write_atomically(workdir / "curves.png", curves)
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


def _settings(flags: Sequence[str], options: CompareOptions) -> dict[str, Any]:
    """What determines the figures of a model."""
    expanded = flagfiles.expand([*flags])
    counts = {"num_images": options.num_images, "num_samples": options.num_samples}
    return {"flags": [f for f in expanded if not f.startswith("--workdir=")]} | counts


def _known(directory: epath.Path, flags: Sequence[str], options: CompareOptions) -> dict[str, Any]:
    """The figures of a finished model; none of others.

    Raises:
        UserError: the figures are of other settings.
    """
    path = directory / _FIGURES
    if not path.exists():
        return {}
    stored = json.loads(path.read_text())
    if stored["settings"] != _settings(flags, options):
        raise UserError(f"{path} has figures of other settings: use another workdir")
    return stored["figures"]


def _measured(
    directory: epath.Path, flags: Sequence[str], options: CompareOptions, codecs: bool
) -> dict[str, Any]:
    """Trains a model and measures its figures, with those of image codecs or without."""
    print(f"compare: {directory.name}", file=sys.stderr, flush=True)
    _, memory = _run(["cascade_cli", "train", *flags], directory.name)
    path = directory / _MEMORY
    if path.exists():  # of an earlier part of the training
        memory = max(memory, json.loads(path.read_text()))
    write_atomically(path, json.dumps(memory))
    arguments = [os.fspath(directory), options.num_images, options.num_samples, int(codecs)]
    command = ["cascade_cli.model_figures", *map(str, arguments)]
    text, _ = _run(command, directory.name, subprocess.PIPE)
    figures = json.loads(text) | {"memory": memory}
    stored = {"settings": _settings(flags, options), "figures": figures}
    write_atomically(directory / _FIGURES, json.dumps(stored))
    return figures


def _run(module: Sequence[str], name: str, stdout: int | None = None) -> tuple[str, int]:
    """Runs a module in a process of its own; its output if piped, and its most bytes of memory.

    Raises:
        UserError: it failed; it has said why.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, stdout=stdout, text=True, env=environment) as process:
        with _signals_passed_on(process):
            text = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"{name} is not finished; the same command goes on")
    return text, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def _signals_passed_on(process: subprocess.Popen) -> Iterator[None]:
    """Leaves a stop to the process, which saves a checkpoint; a terminal's Ctrl-C reaches both."""
    on_terminate = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, on_terminate)
        signal.signal(signal.SIGINT, on_interrupt)


def _curves(
    workdir: epath.Path, results: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, dict[float, float]]]:
    """Which images, and bits/dim by minutes of training, for models of one stage.

    The images are held-out ones if all models were evaluated on them while they trained.
    """
    directories = {}
    for name in results:
        experiment = Experiment(workdir / name, FAMILIES)
        if len(experiment.stage_names) == 1:
            directories[name] = experiment.directory(experiment.stage_names[0])
    images = "held-out images"
    points = {name: _points(directory / "test") for name, directory in directories.items()}
    if not all(points.values()):
        images = "training batches"
        points = {name: _points(directory / "train") for name, directory in directories.items()}
    curves = {}
    for name, by_step in points.items():
        (steps,) = results[name]["steps"].values()
        minutes = results[name]["minutes"] / steps
        curves[name] = {minutes * step: value for step, value in by_step.items()}
    return images, curves


def _points(run: epath.Path) -> dict[int, float]:
    """Bits/dim by step, from the summaries of a run."""
    points = {}
    for file in sorted(os.fspath(path) for path in run.glob("events*")):
        with contextlib.suppress(tf.errors.DataLossError):  # the end, after a kill
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
        error = "" if r["standard_error"] is None else f" ± {r['standard_error']:.3f}"
        rows.append(
            [
                name,
                f"{'' if r['is_exact'] else 'at most '}{r['bits_per_dim']:.3f}{error}",
                f"{r['parameters']:,}",
                ", ".join(f"{steps:,}" for steps in r["steps"].values()),
                f"{r['minutes']:.1f}",
                f"{r['seconds_per_sample']:.2g}",
                f"{r['memory'] / 1e9:.1f}",
            ]
        )
    for r in [figures for figures in results.values() if "webp" in figures][:1]:
        of_fewer = r["codec_images"] < r["images"]
        first = f", first {r['codec_images']} images" if of_fewer else ""
        for codec, title in TITLES.items():
            rows.append([title + first, f"{r[codec]:.3f}", *[""] * (len(_COLUMNS) - 1)])
    return rows


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:], ""])
