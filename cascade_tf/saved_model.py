"""SavedModels that run without this project's code."""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import is_empty_directory

Endpoint = tuple[Callable, list[tf.TensorSpec]]  # a function and its input signature


def export(
    directory: epath.Path,
    layers: Sequence[keras.Layer],
    endpoints: Mapping[str, Endpoint],
) -> None:
    """Writes a SavedModel whose endpoints are callable as attributes of the loaded object.

    The SavedModel is written beside `directory` and renamed, so that `directory` never holds an
    incomplete one. An older SavedModel there is renamed first and deleted last.

    Args:
        directory: of the SavedModel.
        layers: the networks whose variables the endpoints use.
        endpoints: functions and their input signatures, by name.

    Raises:
        UserError: `directory` exists and is neither empty nor a SavedModel.

    Example: see `spn_tf.endpoints` for the endpoints of a model.
    """
    directory = epath.Path(directory)
    replaceable = is_empty_directory(directory) or (directory / "saved_model.pb").exists()
    if directory.exists() and not replaceable:
        raise UserError(f"{directory} exists and is no SavedModel: use another directory")
    archive = keras.export.ExportArchive()
    for layer in layers:
        archive.track(layer)
    for name, (function, signature) in endpoints.items():
        archive.add_endpoint(name, function, input_signature=signature)
    aside, before = (directory.with_name(f".{directory.name}.{word}") for word in ("tmp", "old"))
    for leftover in (aside, before):  # of a process that was killed
        leftover.rmtree(missing_ok=True)
    archive.write_out(str(aside), verbose=False)
    if directory.exists():
        directory.rename(before)
    aside.rename(directory)
    before.rmtree(missing_ok=True)
