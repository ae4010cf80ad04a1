"""The weights of a stage in one file of safetensors.

Such a file holds names, shapes and numbers alone, so reading one runs nothing. Models to give away
have float16: trained weights are within its range, and bfloat16 is eight times coarser.
"""

import hashlib
import json
import struct
from collections.abc import Mapping

import keras
import numpy as np
import safetensors.numpy
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import write_atomically


def write_weights(
    path: epath.Path,
    networks: Mapping[str, keras.Layer],
    step: int,
    dtype: type[np.floating] = np.float16,
) -> None:
    """Writes the weights of networks, and the training step that they are of.

    A weight's name is the name of its network and Keras's path in it, as in
    `network/decoder/project/bias`. The file also holds a SHA-256 of all of this.

    Args:
        path: of the file.
        networks: by name, built.
        step: of the training.
        dtype: of the numbers in the file.

    Raises:
        UserError: a weight is not finite in float16.

    >>> import tempfile
    >>> network = keras.layers.Dense(1, name="dense")
    >>> network.build([None, 2])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = epath.Path(directory) / "weights.safetensors"
    ...     write_weights(path, {"network": network}, step=7)
    ...     read_weights(path, {"network": network})
    7
    """
    arrays = {n: _converted(n, weight, dtype) for n, weight in weights_by_name(networks).items()}
    facts = {"step": str(step), "sha256": _digest(arrays, step)}
    write_atomically(path, safetensors.numpy.save(arrays, facts))


def read_weights(path: epath.Path, networks: Mapping[str, keras.Layer]) -> int:
    """Replaces the weights of networks by those of a file; returns the step that they are of.

    Args:
        path: of a file that `write_weights` wrote.
        networks: by name, built.

    Raises:
        UserError: the file is damaged, or its weights are of another network.
    """
    data = path.read_bytes()
    try:
        arrays = safetensors.numpy.load(data)
        facts = _facts(data)
        step, digest = int(facts["step"]), facts["sha256"]
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged, or not written by `cascade-tf export`") from error
    if digest != _digest(arrays, step):
        raise UserError(f"{path} is damaged: its checksum is wrong")
    weights = weights_by_name(networks)
    found = {name: array.shape for name, array in arrays.items()}
    needed = {name: tuple(weight.shape) for name, weight in weights.items()}
    for name in sorted(found.keys() | needed.keys()):
        if found.get(name) != needed.get(name):
            raise UserError(
                f"{path} does not fit the network that flags.txt beside it describes: {name} has "
                f"the shape {found.get(name, 'of no weight')}, not {needed.get(name, 'any')}"
            )
    for name, weight in weights.items():
        weight.assign(arrays[name].astype(weight.dtype))
    return step


def weights_by_name(networks: Mapping[str, keras.Layer]) -> dict[str, keras.Variable]:
    """The weights of built networks, by the names that `write_weights` gives them."""
    return {
        f"{name}/{weight.path.partition('/')[2]}": weight  # without the network's own name
        for name, network in networks.items()
        for weight in network.weights
    }


def _converted(name: str, weight: keras.Variable, dtype: type[np.floating]) -> np.ndarray:
    values = np.asarray(weight.numpy())
    with np.errstate(over="ignore"):
        converted = values.astype(dtype)
    if not np.isfinite(converted).all():
        largest, limit = np.abs(values).max(), np.finfo(dtype).max
        raise UserError(
            f"{name} has the value {largest:g}, and {np.dtype(dtype)} ends at {limit:g}: export "
            f"with `format`=saved_model, which is float32"
        )
    return converted


def _digest(arrays: Mapping[str, np.ndarray], step: int) -> str:
    """Hexadecimal SHA-256 of all names, shapes and numbers, and of the step."""
    digest = hashlib.sha256(str(step).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _facts(data: bytes) -> dict[str, str]:
    """The texts by name in the header of a file, which safetensors has found to be valid.

    safetensors' own function for this opens local files only.
    """
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]
