"""Keras layers that can be saved, loaded and cloned, configured by their arguments."""

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


class SerializableLayer(keras.layers.Layer):
    """A layer whose configuration is the arguments of its constructor.

    A subclass stores each argument in an attribute of the same name. In the configuration,
    dataclasses become dicts, which `from_config` converts back by the argument's annotation: of a
    union, to the class that has these fields. Arrays become lists and initializers become Keras's
    dicts, both of which constructors accept.

    Subclasses are registered with Keras under their top package, so that a saved
    `.keras` model loads without `custom_objects` once the package is imported.

    Example:
        >>> class Scale(SerializableLayer):
        ...     def __init__(self, factor: float, **kwargs: Any):
        ...         super().__init__(**kwargs)
        ...         self.factor = factor
        >>> Scale.from_config(Scale(3.0).get_config()).factor
        3.0
    """

    built: bool  # set by Keras

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__.partition(".")[0])(cls)

    @property
    def output_dtype(self) -> str:
        """Dtype of the outputs; overridden by layers where it differs from `compute_dtype`."""
        return self.compute_dtype

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns shape and dtype of the outputs for symbolic inputs, as `keras.Input`."""
        specs = super().compute_output_spec(*args, **kwargs)
        return keras.tree.map_structure(
            lambda spec: keras.KerasTensor(spec.shape, self.output_dtype), specs
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`, as numbers, strings, lists and dicts."""
        arguments = {name: _plain(getattr(self, name)) for name in _arguments(type(self))}
        return super().get_config() | arguments

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SerializableLayer":
        """Returns a layer with the same arguments and new weights."""
        kinds = typing.get_type_hints(cls.__init__)
        rebuilt = {name: _rebuilt(value, kinds.get(name)) for name, value in config.items()}
        return super().from_config(rebuilt)


def _arguments(kind: type) -> list[str]:
    """Names of a constructor's own arguments; Keras's own are keyword-only."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, keras.initializers.Initializer):
        return keras.initializers.serialize(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else value


def _rebuilt(value: Any, kind: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    for option in typing.get_args(kind) or (kind,):
        if dataclasses.is_dataclass(option) and _fields(option) == value.keys():
            # Keras's files encode tuples, which are decoded first.
            return typing.cast(Any, option)(**keras.saving.deserialize_keras_object(dict(value)))
    return value


def _fields(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}
