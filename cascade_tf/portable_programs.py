"""Functions as programs of StableHLO in a directory, which run without TensorFlow.

Shapes are fixed, and weights are arguments, so that all programs share one file of them.
`examples/run_program.py` runs them with jax.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
import tensorflow as tf
from etils import epath

from cascade_tf.hardware.lowering import Function, lowered
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from cascade_tf.weights_file import weights_by_name

PROGRAMS, WEIGHTS, EXTENSION = "programs.json", "weights.safetensors", ".stablehlo"
# Arguments of a whole batch; all others have a row for each image.
_OF_A_BATCH = ("seed", "temperature", "truncation")


class Program(NamedTuple):
    """A function in StableHLO's portable format.

    Attributes:
        artifact: the program.
        facts: its arguments, weights and results, as in the file of PROGRAMS.
        weights: arrays by name.
    """

    artifact: bytes
    facts: dict[str, Any]
    weights: dict[str, np.ndarray]


def program(endpoint: Endpoint, variables: Mapping[str, tf.Variable]) -> Program:
    """A function as a program; it needs jax.

    Its arguments are those of the signature, and then weights. Its results are those of the
    function, and then the new values of the weights that it changes.

    >>> weight = tf.Variable([3.0])
    >>> signature = [tf.TensorSpec([2], tf.float32, "x")]
    >>> made = program((lambda x: {"product": x * weight}, signature), {"weight": weight})
    >>> made.facts["weights"], made.facts["results"]
    (['weight'], [{'name': 'product', 'shape': [2], 'dtype': 'float32'}])

    Args:
        endpoint: a function that returns tensors by name, and its signature, of fixed shapes.
        variables: that it may use, by the names to give them.
    """
    from cascade_tf.hardware.stablehlo import portable  # jax is an extra

    function, arguments = endpoint
    made = lowered(Function(function, arguments))
    artifact, updates = portable(made.program)
    by_handle = {id(variable.handle): (n, variable) for n, variable in variables.items()}
    weights = []
    for captured in made.captured:
        if captured.dtype == tf.resource:
            name, variable = by_handle[id(captured)]
            weights.append((name, np.asarray(variable.numpy())))
        else:  # equal constants of several programs are one
            array = np.asarray(captured.numpy())
            digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes())
            weights.append((f"constants/{digest.hexdigest()[:16]}", array))
    results = [_described(name, spec) for name, spec in sorted(made.results.items())]
    described = [
        _described(spec.name, spec) | {"each": spec.name not in _OF_A_BATCH} for spec in arguments
    ]
    facts = {
        "images": next((a["shape"][0] for a in described if a["each"]), 0),
        "arguments": described,
        "weights": [name for name, _ in weights],
        "results": results,
        "updates": [
            weights[updates[number] - len(arguments)][0]
            for number in range(len(results), len(results) + len(updates))
        ],
    }
    return Program(artifact, facts, dict(weights))


def weights_of(stages: Sequence[Stage]) -> dict[str, tf.Variable]:
    """The weights of built stages, by the names of stage, network and weight."""
    return {
        f"{stage.name}/{name}": weight.value
        for stage in stages
        for name, weight in weights_by_name(stage.networks()).items()
    }


def write_programs(
    directory: epath.Path,
    endpoints: Mapping[str, Endpoint],
    variables: Mapping[str, tf.Variable],
    facts: Mapping[str, Any],
    unused: bool = False,
) -> dict[str, Any]:
    """Writes functions as programs, with their weights and a description of both.

    Args:
        directory: exists.
        endpoints, variables: see `program`.
        facts: further entries of the description.
        unused: whether to write variables that no program uses, too.

    Returns:
        The facts of each program, by name.
    """
    weights = {name: variable.numpy() for name, variable in variables.items() if unused}
    described = {}
    for name, endpoint in endpoints.items():
        made = program(endpoint, variables)
        (directory / f"{name}{EXTENSION}").write_bytes(made.artifact)
        described[name] = made.facts
        weights |= made.weights
    (directory / WEIGHTS).write_bytes(safetensors.numpy.save(weights))
    description = {**facts, "programs": described}
    (directory / PROGRAMS).write_text(json.dumps(description, indent=1) + "\n")
    return described


def _described(name: str, spec: tf.TensorSpec) -> dict[str, Any]:
    return {"name": name, "shape": spec.shape.as_list(), "dtype": spec.dtype.name}
