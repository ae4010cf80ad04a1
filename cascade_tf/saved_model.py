"""SavedModels that run without this project's code."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import is_empty_directory, make_directory, refuse_wildcards
from cascade_tf.graph_checks import as_dtype
from cascade_tf.shipped_models import EXTRA

Endpoint = tuple[Callable, list[tf.TensorSpec]]  # a function and its input signature
# Types of arguments that are converted, beside the signature's own: a Python list becomes the
# first one that fits, so integers come before uint8.
_CONVERTED = {tf.uint8: [tf.int32], tf.int32: [tf.int64], tf.float32: [tf.float64]}


def export(
    directory: epath.Path,
    layers: Sequence[keras.Layer],
    endpoints: Mapping[str, Endpoint],
    write_extra: Callable[[epath.Path], None] | None = None,
) -> None:
    """Writes a SavedModel whose endpoints are callable as attributes of the loaded object.

    The attributes refuse arguments that do not fit the signature, whereas TensorFlow would convert
    a float image to zeros, or a long integer to its low bits. The signatures, for servers, are
    those of `endpoints`.

    The SavedModel is written beside `directory` and renamed, so that `directory` never holds an
    incomplete one. An older SavedModel there is renamed first and deleted last.

    Args:
        directory: of the SavedModel.
        layers: the networks whose variables the endpoints use.
        endpoints: functions and their input signatures, by name.
        write_extra: writes further files of ours into a directory of the SavedModel.

    Raises:
        UserError: `directory` exists and is neither empty nor a SavedModel.
        SettingError: `directory` has a wildcard in its path.

    Example: see `spn_tf.endpoints` for the endpoints of a model.
    """
    refuse_wildcards("directory", directory)
    directory = epath.Path(directory)
    replaceable = is_empty_directory(directory) or (directory / "saved_model.pb").exists()
    if directory.exists() and not replaceable:
        raise UserError(f"{directory} exists and is no SavedModel: use another directory")
    model, signatures = tf.train.Checkpoint(), {}
    for kind in ("variables", "trainable_variables", "non_trainable_variables"):
        setattr(model, kind, [v.value for layer in layers for v in getattr(layer, kind)])
    for name, (function, specs) in endpoints.items():
        signatures[name] = tf.function(function, input_signature=specs, autograph=False)
        has_arrays = any((spec.shape.rank or 0) > 1 for spec in specs)
        strict = _of_arrays if has_arrays else _of_numbers
        setattr(model, name, strict(signatures[name], specs))
    signatures["serving_default"] = next(iter(signatures.values()))
    aside, before = (directory.with_name(f".{directory.name}.{word}") for word in ("tmp", "old"))
    for leftover in (aside, before):  # of a process that was killed
        leftover.rmtree(missing_ok=True)
    tf.saved_model.save(model, str(aside), signatures)
    if write_extra is not None:
        write_extra(make_directory(aside / EXTRA))
    if directory.exists():
        directory.rename(before)
    aside.rename(directory)
    before.rmtree(missing_ok=True)


def _of_numbers(function: Callable, specs: Sequence[tf.TensorSpec]) -> Callable:
    """The function with float64 arguments, which hold every int32 exactly, and their checks.

    It is traced once: new Python numbers do not make it trace again.
    """
    wide = [tf.TensorSpec(spec.shape, tf.float64, spec.name) for spec in specs]
    return tf.function(_narrowing(function, specs), input_signature=wide, autograph=False)


def _of_arrays(function: Callable, specs: Sequence[tf.TensorSpec]) -> Callable:
    """The function traced for each type that its arguments may have.

    With a signature, TensorFlow would convert arrays of any other type. Without one it refuses
    them, but traces again for every new Python number and shape.
    """
    strict = tf.function(_narrowing(function, specs), autograph=False)
    for dtypes in itertools.product(*([*_CONVERTED[s.dtype], s.dtype] for s in specs)):
        pairs = zip(specs, dtypes, strict=True)
        strict.get_concrete_function(*(tf.TensorSpec(s.shape, d, s.name) for s, d in pairs))
    return strict


def _narrowing(function: Callable, specs: Sequence[tf.TensorSpec]) -> Callable:
    """The function of arguments in wider types, checked before they get those of `specs`."""

    @functools.wraps(function)
    def of_wide(*arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = zip(arguments, specs, strict=True)
        return function(*(as_dtype(spec.name, value, spec.dtype) for value, spec in pairs))

    return of_wide
