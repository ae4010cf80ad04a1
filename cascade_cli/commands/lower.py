"""Writes the training step of a stage as a program that runs without TensorFlow."""

import tensorflow as tf
from etils import epath

from cascade_cli.commands.train import Training
from cascade_cli.options import LowerOptions, TrainOptions
from cascade_cli.program_directory import RUNNER, example, require_jax
from cascade_tf.description import absolute
from cascade_tf.errors import UsageError, UserError
from cascade_tf.experiment import Experiment
from cascade_tf.files import is_empty_directory, make_directory, written_beside

TRAINER = "train_lowered.py"


def main(experiment: Experiment, options: LowerOptions) -> None:
    """Writes the step of a stage that is trained already, or not yet."""
    if not options.output_dir:
        raise UsageError("`output_dir` is missing: name a directory for the step")
    output = epath.Path(absolute(options.output_dir))
    if output.exists() and not is_empty_directory(output):
        raise UserError(f"{output} exists already: use another directory")
    names = experiment.stage_names
    if (options.stage is None and len(names) > 1) or options.stage not in (None, *names):
        options.refuse(f"name one of {', '.join(names)}", "stage")
    name = options.stage or names[0]
    config = experiment.training(name)
    if config.max_minutes:
        config.refuse("a lowered training counts steps: set it to 0, and the steps", "max_minutes")
    require_jax("cascade-tf lower")
    its = TrainOptions(workdir=options.workdir, given=options.given)
    training = Training(experiment, name, its, tf.distribute.get_strategy())
    if training.stage.needs_inception:
        raise UsageError(f"the loss of {name} needs Inception, which a lowered step does not hold")
    make_directory(output.parent)
    with written_beside(output) as directory:
        step, examples = training.lower(directory, options.num_examples)
        for script in (RUNNER, TRAINER):
            (directory / script).write_text(example(script))
    print(f"stage {name} from step {step}, with {examples} examples: {output}")
    print(f"next, where jax, numpy and safetensors are: python {output / TRAINER} {output}")
    print(f"then train with the same flags and --lowered_state={output / 'state.npz'}")
