"""Writes a trained model for others: programs, or weights with a card."""

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_cli.model_directory import write_model, write_stage
from cascade_cli.options import ExportOptions
from cascade_cli.program_directory import write_program_directory
from cascade_cli.runtime_directory import write_runtime_directory
from cascade_cli.systems import open_system
from cascade_cli.systems.system import System
from cascade_tf.description import absolute
from cascade_tf.errors import UsageError, UserError
from cascade_tf.experiment import Experiment
from cascade_tf.files import (
    is_empty_directory,
    make_directory,
    refuse_to_overwrite,
    refuse_wildcards,
)
from cascade_tf.saved_model import export


def main(experiment: Experiment, options: ExportOptions) -> None:
    """Exports a trained experiment."""
    if not options.output_dir:
        raise UsageError("`output_dir` is missing: name a directory for the exported model")
    refuse_wildcards("output_dir", options.output_dir)
    output = epath.Path(absolute(options.output_dir))
    if options.format != "saved_model":
        if options.overwrite:
            raise UsageError("`overwrite` is for SavedModels: export to another directory")
        if output.exists() and not is_empty_directory(output):
            raise UserError(f"{output} exists already: use another directory")
    elif not options.overwrite:
        refuse_to_overwrite([output])
    system = open_system(experiment, options)
    if options.format == "safetensors":
        write_model(experiment, system, output)
    elif options.format == "stablehlo":
        write_program_directory(experiment, system, options, output)
    elif options.format in ("onnx", "tflite"):
        write_runtime_directory(experiment, system, options, output)
    else:
        _write_saved_model(experiment, system, options, output)


def _write_saved_model(
    experiment: Experiment, system: System, options: ExportOptions, output: epath.Path
) -> None:
    states = experiment.load_states(tf.distribute.get_strategy())
    stages = [state.stage for state in states]
    functions = system.endpoints(stages, options)
    make_directory(output.parent)
    networks = [network for stage in stages for network in stage.networks().values()]

    def write_weights(directory: epath.Path) -> None:
        for state in states:
            write_stage(experiment, state, directory, np.float32)

    # The same program must compress and decompress, so `--model` needs the weights by themselves.
    export(output, networks, functions, write_weights if system.has_likelihood else None)
    print(f"SavedModel with endpoints {', '.join(functions)}: {output}")
