"""Compiles each stage for a TPU or GPU that need not be there, and prints what a step takes."""

import dataclasses
import importlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from rich.table import Table

from cascade_cli.options import CompileOptions
from cascade_cli.quiet_tensorflow import silent_stderr
from cascade_cli.tables import print_table
from cascade_tf.experiment import Experiment
from cascade_tf.hardware.compilation import (
    ENVIRONMENT,
    Compiled,
    compile_for,
    largest_batch,
    require_compiler,
)
from cascade_tf.hardware.lowering import FUNCTIONS, lowered
from cascade_tf.hardware.targets import TARGETS, Target
from cascade_tf.learning_config import LearningConfig
from cascade_tf.stage_state import StageState
from cascade_tf.strategies import accelerators_assumed


def main(experiment: Experiment, options: CompileOptions) -> None:
    """Compiles the stages of an experiment, trained or not."""
    require_compiler(options.target)
    os.environ |= ENVIRONMENT  # of jax in this process, too, which may write kernels
    with silent_stderr():
        importlib.import_module("jax")
    target, names = TARGETS[options.target], experiment.stage_names
    devices = options.devices * len(names) if len(options.devices) == 1 else options.devices
    if len(devices) != len(names):
        options.refuse(f"give one number, or one for each of {', '.join(names)}", "devices")
    stages = {}
    for name, count in zip(names, devices, strict=True):
        whole = experiment.training(name).batch_size
        if whole % count:
            options.refuse(f"they cannot share the batch of {whole} of stage {name}", "devices")
        with accelerators_assumed(target.platform):
            stages[name] = _figures(experiment, name, whole // count, options)
    print_table(_table(stages, options, target))
    print(json.dumps({"target": options.target, "what": options.what, "stages": stages}))


def _figures(
    experiment: Experiment, name: str, batch: int, options: CompileOptions
) -> dict[str, Any]:
    """Figures of a stage's program for a batch, by name."""
    stage, data = experiment.make_stage(name), experiment.data(name)
    target = TARGETS[options.target]
    stage.batch_parts = 1  # the cores of a CPU have parts
    strategy = tf.distribute.get_strategy()
    directory = experiment.directory(name)  # no checkpoint of it is needed
    state = StageState.create(stage, experiment.training(name), directory, strategy)
    image_shape = (data.image_size, data.image_size, data.channels)

    def compiled(batch: int) -> Compiled:
        program = lowered(FUNCTIONS[options.what](state, batch, image_shape))
        print(f"stage {name}: compiles for a batch of {batch}", file=sys.stderr, flush=True)
        return compile_for(options.target, program)

    first = compiled(batch)
    figures = {"batch": batch, **dataclasses.asdict(first), "memory": first.memory}
    figures["device_memory"] = target.memory
    if options.search:
        figures["largest_batch"] = largest_batch(compiled, batch, first, target.memory)
    if options.what != "train":  # they have loops, of which compilers count one execution
        del figures["bytes"], figures["operations"]
    elif first.seconds:
        precision = experiment.settings(LearningConfig, name).precision
        figures["seconds_of_memory"] = first.bytes / target.bandwidth
        figures["seconds_of_arithmetic"] = first.operations / target.peak[precision]
    return figures


# Rows of the table: title, figure, unit.
_ROWS = (
    ("batch of a device", "batch", ""),
    ("weights, optimizer, averages, batch", "arguments", "GB"),
    ("activations and gradients", "temporaries", "GB"),
    ("instructions", "program", "GB"),
    ("memory in all", "memory", "GB"),
    ("memory of the device", "device_memory", "GB"),
    ("fits", "fits", ""),
    ("largest batch that fits", "largest_batch", ""),
    ("read and written in a step", "bytes", "GB"),
    ("arithmetic of a step", "operations", "TFLOP"),
    ("least time for the memory", "seconds_of_memory", "ms"),
    ("least time for the arithmetic", "seconds_of_arithmetic", "ms"),
    ("largest constant", "largest_constant", "MB"),
    ("time to compile", "seconds", "s"),
)
_UNITS = {"GB": 1e9, "TFLOP": 1e12, "ms": 1e-3, "MB": 1e6, "s": 1.0}


def _table(
    stages: Mapping[str, Mapping[str, Any]], options: CompileOptions, target: Target
) -> Table:
    """A column for each stage."""
    table = Table(title=f"{options.what}, compiled for {target.device}")
    table.add_column("")
    for name in stages:
        table.add_column(name, justify="right")
    for title, name, unit in _ROWS:
        cells = [_cell(figures, name, unit) for figures in stages.values()]
        if any(cells):
            table.add_row(f"{title}, {unit}" if unit else title, *cells)
    return table


def _cell(figures: Mapping[str, Any], name: str, unit: str) -> str:
    value = figures.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (unit and not value):  # unknown of programs that do not fit
        return ""
    return f"{value / _UNITS[unit]:.3g}" if unit else str(value)
