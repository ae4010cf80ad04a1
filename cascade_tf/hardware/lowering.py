"""Functions of a stage as programs of XLA, for any accelerator.

The program is that of a single replica. Its arguments are those of the function, and then the
variables that the function reads, in the order in which it reads them first. Its results are those
of the function, and then the variables' new values.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from cascade_tf.examples import Examples
from cascade_tf.hardware.kernel_operations import counting_operations
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage_state import StageState
from cascade_tf.xla_choice import compiled_by_xla


class Function(NamedTuple):
    """A function that XLA can compile, and specifications of its arguments."""

    call: Callable
    arguments: list[tf.TensorSpec]


def _examples(batch: int, image_shape: tuple[int, int, int]) -> list[tf.TensorSpec]:
    """Images, labels and indices."""
    return [
        tf.TensorSpec([batch, *image_shape], tf.uint8, "images"),
        tf.TensorSpec([batch], tf.int32, "labels"),
        tf.TensorSpec([batch], tf.int64, "indices"),
    ]


def training_step(state: StageState, batch: int, image_shape: tuple[int, int, int]) -> Function:
    """A whole step of training: gradients, optimizer, averages and the count of steps."""
    stage = state.stage

    def step(*examples: tf.Tensor) -> dict[str, tf.Tensor]:
        metrics = stage.train_step(Examples(*examples), state.step)
        state.average.update(state.step)
        state.step.assign_add(1)
        return dict(metrics)

    return Function(step, _examples(batch, image_shape))


def evaluation_step(state: StageState, batch: int, image_shape: tuple[int, int, int]) -> Function:
    """Metrics of a batch of held-out images."""
    stage = state.stage

    def step(*examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(stage.evaluate_step(Examples(*examples)))

    return Function(step, _examples(batch, image_shape))


def sampling(state: StageState, batch: int, image_shape: tuple[int, int, int]) -> Function:
    """A batch of samples, of a stage with a condition given those of real images."""
    stage = state.stage

    def sample(images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        request = SampleRequest(
            indices,
            condition=stage.condition(images),
            labels=labels if "labels" in stage.accepts else None,
        )
        return stage.sample(request)

    return Function(sample, _examples(batch, image_shape))


FUNCTIONS = {"train": training_step, "evaluate": evaluation_step, "sample": sampling}


class Lowered(NamedTuple):
    """A program of XLA.

    Attributes:
        program: a serialized HloModuleProto.
        operations: of kernels in it that no compiler counts.
        captured: handles of variables, and other tensors, that are its arguments after those of
            the function.
        results: specifications of the function's results.
    """

    program: bytes
    operations: float
    captured: list[tf.Tensor]
    results: Any


def lowered(function: Function) -> Lowered:
    """The function as a program.

    >>> double = Function(lambda x: 2 * x, [tf.TensorSpec([3], tf.float32)])
    >>> len(lowered(double).program) > 0
    True
    """
    compiled = compiled_by_xla(function.call)
    with counting_operations() as operations:
        concrete = compiled.get_concrete_function(*function.arguments)
    make = compiled.experimental_get_compiler_ir(*function.arguments)
    program = make(stage="hlo_serialized")
    return Lowered(program, sum(operations), concrete.captured_inputs, concrete.structured_outputs)
