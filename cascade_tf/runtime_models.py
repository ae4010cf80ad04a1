"""Functions as files of ONNX and LiteRT, written only if their runtimes compute the same.

Converters succeed for models that their runtimes then refuse, or compute otherwise. So a model is
loaded by its runtime, and its results are compared with those of TensorFlow.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.saved_model import Endpoint

_OPSET = 18  # of 2022; the first one with reductions whose axes are inputs


class RefusedModel(Exception):
    """A function that a format cannot hold, or that its runtime computes otherwise."""


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of models, its converter and its runtime.

    Attributes:
        name: of the runtime.
        extension: of its files.
        packages: that both need.
        use: Python that runs a file, with PATH and ARGUMENTS to replace.
        convert: a traced function to the content of a file.
        run: the content of a file, and arguments by name, to the first result.
    """

    name: str
    extension: str
    packages: Sequence[str]
    use: str
    convert: Callable[[Any], bytes]
    run: Callable[[bytes, Mapping[str, np.ndarray]], np.ndarray]


def model(form: Format, endpoint: Endpoint, seed: int = 0) -> tuple[bytes, str]:
    """The content of a file for a function of one result, compared on random arguments.

    Args:
        form: of the file.
        endpoint: a function that returns a tensor by name, and its signature, of fixed shapes.
        seed: of the arguments.

    Returns:
        The content, and the largest difference from TensorFlow's result, in words.

    Raises:
        RefusedModel: with the reason in a line.

    >>> double = (lambda x: {"twice": 2 * x}, [tf.TensorSpec([3], tf.float32, "x")])
    >>> content, difference = model(FORMATS["tflite"], double)
    >>> difference
    'equal to TensorFlow'
    """
    function, specs = endpoint
    # Without functions of functions, some of which are for XLA: converters leave them as calls.
    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        traced = tf.function(lambda *a: function(*a), specs, autograph=False)
        concrete = traced.get_concrete_function()
    finally:
        tf.config.run_functions_eagerly(eager)
    generator = np.random.default_rng(seed)
    arguments = {spec.name: _random(spec, generator) for spec in specs}
    results = concrete(*map(tf.constant, arguments.values()))
    (expected,) = (result.numpy() for result in results.values())
    try:
        with _silent_logs():
            content = form.convert(concrete)
        found = form.run(content, arguments)
    except Exception as error:  # converters and runtimes have many types
        raise RefusedModel(_line(error)) from error
    return content, _difference(form, found, expected)


def _random(spec: tf.TensorSpec, generator: np.random.Generator) -> np.ndarray:
    if spec.dtype == tf.uint8:
        return generator.integers(0, 256, spec.shape.as_list()).astype(np.uint8)
    if spec.dtype == tf.int32:  # classes, of which there are two at least
        return generator.integers(0, 2, spec.shape.as_list()).astype(np.int32)
    return 4 * generator.random(spec.shape.as_list(), np.float32)  # latents of two levels


def _difference(form: Format, found: np.ndarray, expected: np.ndarray) -> str:
    """Words for the largest difference; raises RefusedModel for a large one.

    Floats may differ by 1e-5 of the largest value. Of the intensities of images one in a thousand
    may differ by one, where rounding decides.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise RefusedModel(f"{form.name} returns {found.dtype} {found.shape}")
    gap = np.abs(found.astype(np.float64) - expected)
    largest = float(gap.max())
    if largest == 0:
        return "equal to TensorFlow"
    if expected.dtype == np.uint8:
        if largest > 1 or (gap > 0).sum() > max(1, 1e-3 * gap.size):
            raise RefusedModel(f"{form.name} differs from TensorFlow by {largest:g} intensities")
        return f"{(gap > 0).mean():.1e} of the intensities differ from TensorFlow by one"
    if expected.dtype == np.int32:  # codes: of two that are equally near, either may be taken
        if (gap > 0).sum() > max(1, 1e-3 * gap.size):
            raise RefusedModel(f"{form.name} differs from TensorFlow in {(gap > 0).mean():.1e}")
        return f"{(gap > 0).mean():.1e} of the numbers differ from TensorFlow"
    relative = largest / float(np.abs(expected).max())
    if not relative < 1e-5:
        raise RefusedModel(f"{form.name} differs from TensorFlow by {relative:.1e} of the largest")
    return f"{relative:.1e} of the largest value from TensorFlow"


def _line(error: Exception) -> str:
    """The first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:400]}" if lines else type(error).__name__


@contextlib.contextmanager
def _silent_logs() -> Iterator[None]:
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)


def _to_onnx(concrete: Any) -> bytes:
    import tf2onnx.tfonnx
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    # Its own freezing leaves out tensors that loops capture.
    frozen = convert_variables_to_constants_v2(
        concrete, lower_control_flow=False, aggressive_inlining=True
    )
    inputs, outputs = ([t.name for t in tensors] for tensors in (frozen.inputs, frozen.outputs))
    names = {name: name.partition(":")[0] for name in inputs}
    for output, name in zip(outputs, concrete.structured_outputs, strict=True):
        names[output] = f"large_{name}" if name in names.values() else name  # each name once
    # It merges a pad into a convolution that has pads of its own, which it then forgets.
    merge = tf2onnx.tfonnx.rewrite_conv2d_with_pad
    tf2onnx.tfonnx.rewrite_conv2d_with_pad = lambda graph, operations: operations
    try:
        made, _ = tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename=names,
            opset=_OPSET,
        )
    finally:
        tf2onnx.tfonnx.rewrite_conv2d_with_pad = merge
    return made.SerializeToString()


def _run_onnx(content: bytes, arguments: Mapping[str, np.ndarray]) -> np.ndarray:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, dict(arguments))[0]


def _to_lite(concrete: Any) -> bytes:
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def _run_lite(content: bytes, arguments: Mapping[str, np.ndarray]) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], arguments[tensor["name"]])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


_USE_ONNX = """\
import onnxruntime

session = onnxruntime.InferenceSession("PATH")
(result,) = session.run(None, ARGUMENTS)"""
_USE_LITE = """\
from ai_edge_litert.interpreter import Interpreter

arguments = ARGUMENTS
interpreter = Interpreter("PATH")
interpreter.allocate_tensors()
for tensor in interpreter.get_input_details():
    interpreter.set_tensor(tensor["index"], arguments[tensor["name"]])
interpreter.invoke()
result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])"""

FORMATS = {
    "onnx": Format(
        "ONNX Runtime", ".onnx", ("tf2onnx", "onnxruntime"), _USE_ONNX, _to_onnx, _run_onnx
    ),
    "tflite": Format("LiteRT", ".tflite", ("ai_edge_litert",), _USE_LITE, _to_lite, _run_lite),
}
