"""A stage's training step as a portable program with its state, for machines without TensorFlow.

`examples/train_lowered.py` runs the step with jax, and writes a state that `Trainer.train` reads.
"""

import itertools
import json
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.data import Source
from cascade_tf.errors import UserError
from cascade_tf.hardware.lowering import training_step
from cascade_tf.optimizers import BudgetSchedule
from cascade_tf.portable_programs import write_programs
from cascade_tf.record import check_same, stage_record
from cascade_tf.stage_state import StageState
from cascade_tf.training_config import TrainingConfig
from cascade_tf.weights_file import weights_by_name

PROGRAM, EXAMPLES = "train_step", "examples.npz"


def state_variables(state: StageState) -> dict[str, tf.Variable]:
    """All variables that a training step changes, by name."""
    variables = {n: w.value for n, w in weights_by_name(state.stage.networks()).items()}
    names = {id(variable): name for name, variable in variables.items()}
    averaged = state.stage.averaged_variables()
    for variable, average in zip(averaged, state.average.averages, strict=True):
        variables[f"average/{names[id(variable.value)]}"] = average
    for name, optimizer in state.stage.optimizers().items():
        for number, slot in enumerate(optimizer.variables):
            variables[f"{name}/{number}"] = slot.value
    return variables | {"step": state.step}


def write_training_program(
    directory: epath.Path,
    state: StageState,
    config: TrainingConfig,
    source: Source,
    batches: int,
) -> None:
    """Writes a whole training step, its state, and the next examples of the training.

    Args:
        directory: exists.
        state: of the stage, as it is now.
        config: of the training.
        source: of the examples.
        batches: of examples to write.
    """
    start, size = int(state.step.numpy()), config.batch_size
    dataset = source.training_examples(size, start * size)
    shape = tuple(dataset.element_spec.images.shape[1:])
    images = np.empty([batches * size, *shape], np.uint8)  # once in memory, however many they are
    labels = np.empty([batches * size], np.int32)
    for number, examples in enumerate(itertools.islice(dataset, batches)):
        rows = slice(number * size, (number + 1) * size)
        images[rows], labels[rows] = examples.images, examples.labels
    with (directory / EXAMPLES).open("wb") as file:
        np.savez(file, images=images, labels=labels)
    used = {
        f"{name}/used": optimizer.schedule.used
        for name, optimizer in state.stage.optimizers().items()
        if isinstance(optimizer.schedule, BudgetSchedule)
    }
    variables = state_variables(state)
    facts = {
        "steps": config.steps,
        "start": start,
        "used": [*used],
        "state": [*variables],
        "settings": stage_record(state.stage, config, source),
    }
    call, arguments = training_step(state, size, shape)
    write_programs(directory, {PROGRAM: (call, arguments)}, variables | used, facts, unused=True)


def read_state(
    state: StageState, path: epath.Path, settings: Mapping[str, str], fixed: Sequence[str]
) -> bool:
    """Replaces a state by one of `examples/train_lowered.py` that is further.

    Args:
        state: of the same stage, with the same settings.
        path: of the .npz file.
        settings: of the stage.
        fixed: names of those that must be the same.

    Returns:
        Whether it was further.

    Raises:
        UserError: it cannot be read, or is of another stage or other settings.
    """
    try:
        with path.open("rb") as file, np.load(file) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive}
        recorded = json.loads(str(arrays.pop("settings")))
    except (OSError, TypeError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: it is no state of a lowered training: {error}") from error
    check_same(path, recorded, settings, fixed)
    variables = state_variables(state)
    found = {name: (array.shape, array.dtype) for name, array in arrays.items()}
    needed = {name: (tuple(v.shape), v.dtype.as_numpy_dtype) for name, v in variables.items()}
    for name in sorted(found.keys() | needed.keys()):
        if found.get(name) != needed.get(name):
            raise UserError(f"{path} is of another stage or other settings: they differ in {name}")
    if arrays["step"] <= state.step.numpy():
        return False
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return True
