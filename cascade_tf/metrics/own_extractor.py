"""Features of a network that the user brings: a SavedModel, or a program that jax exported."""

import hashlib
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.extras import require_packages
from cascade_tf.metrics.features import checked_images

_NEEDED = "one input, images [N, H, W, 3] of uint8 or float32, and one output, features [N, D]"
_RESERVED = "inception", "inception_spatial", "pixel"  # prefixes of the other extractors
_BATCH = 32  # images at once, if the program takes any number
_TRIED = 224, 224  # sides of the first image, if the program takes any; a multiple of 14 and 32


class OwnExtractor:
    """A frozen network of the user's as a feature space; see `load_extractor`.

    Args:
        network: maps images [n, H, W, 3], of `dtype` and of the network's size, to [n, D].
        name: of the feature space.
        checksum: hexadecimal sha256 of its files.
        image_size: H and W that the network takes; None: any.
        dtype: uint8, or float32 for intensities in [0, 1].
        batch: images that the network takes at once; None: any number.

    Raises:
        UserError: the network's output is not [n, D].
    """

    def __init__(
        self,
        network: Callable[[np.ndarray], np.ndarray],
        name: str,
        checksum: str,
        image_size: tuple[int, int] | None,
        dtype: Any,
        batch: int | None,
    ) -> None:
        self._network, self.name, self.checksum = network, name, checksum
        self._image_size, self._dtype, self._batch = image_size, np.dtype(dtype), batch
        self.resizer = "none"
        if image_size is not None:
            self.resizer = "bicubic with antialiasing to {}x{}, rounded".format(*image_size)
        self.prefix = re.sub(r"\W+", "_", name)
        if self.prefix in _RESERVED:
            raise UserError(f"{name} would name figures as the built-in features do: rename it")
        self.distance_name = f"{self.prefix}_frechet_distance"
        self.kernel_distance_name = f"{self.prefix}_kernel_distance"
        self.sliced_distance_name = f"{self.prefix}_sliced_distance"
        self.size = 0
        height, width = image_size or _TRIED
        self.size = self(np.zeros([1, height, width, 3], np.uint8)).shape[1]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts features: uint8 [N, H, W, 1 or 3] to float32 [N, D]; grey is repeated."""
        if checked_images(images).shape[-1] == 1:
            images = np.repeat(images, 3, axis=-1)
        size = self._batch or _BATCH
        parts = [np.zeros([0, self.size], np.float32)] if self.size else []
        for start in range(0, len(images), size):
            part = self._resized(images[start : start + size])
            count = len(part)
            if self._batch is not None:
                part = np.resize(part, (size, *part.shape[1:]))
            parts.append(self._checked(part)[:count])
        return np.concatenate(parts)

    def _checked(self, images: np.ndarray) -> np.ndarray:
        """The network's features, float32 [n, D], of n images of its size and dtype."""
        try:
            features = np.asarray(self._network(images))
            if features.dtype.kind in "cOSU":
                raise TypeError(f"features are {features.dtype}")
            features = features.astype(np.float32)
        except (TypeError, ValueError, tf.errors.OpError) as error:
            line = str(error).strip().partition("\n")[0]
            raise UserError(f"{self.name} fails on images {list(images.shape)}: {line}") from error
        # Any number of features the first time, and the same one later.
        expected = len(images), self.size or max(1, features.size // len(images))
        if features.shape != expected:
            shapes = f"{list(features.shape)} for images {list(images.shape)}"
            raise UserError(f"{self.name} returns {shapes}: {_NEEDED}")
        return features

    def _resized(self, images: np.ndarray) -> np.ndarray:
        if self._image_size is not None and images.shape[1:3] != self._image_size:
            resized = tf.image.resize(images, self._image_size, "bicubic", antialias=True)
            images = np.clip(np.round(resized), 0, 255).astype(np.uint8)
        return images if self._dtype == np.uint8 else images.astype(np.float32) / np.float32(255)

    def probabilities(self, features: np.ndarray) -> None:
        """None, since there is no classifier."""


def load_extractor(path: str | os.PathLike[str]) -> OwnExtractor:
    """Loads a frozen network as a feature space, such as DINOv2.

    The network takes images as uint8, or as float32 in [0, 1]; normalisation is its own part.
    Images are resized if it has a fixed size. Figures are named after the file, as in
    "dinov2_frechet_distance".

    Args:
        path: a SavedModel whose signature `serving_default`, or only one, has one input, images
            [N, H, W, 3], and one output, features [N, D]; or a file of `jax.export`, which holds
            such a function as StableHLO and needs jax to run.

    Raises:
        UserError: it cannot be read, or has other inputs or outputs.

    Example:
        >>> import tempfile
        >>> class Mean(tf.Module):
        ...     @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)])
        ...     def __call__(self, images):
        ...         return {"features": tf.reduce_mean(images, axis=[1, 2])}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     module = Mean()
        ...     tf.saved_model.save(module, f"{folder}/mean", signatures=module.__call__)
        ...     extractor = load_extractor(f"{folder}/mean")
        >>> extractor.distance_name, extractor.resizer
        ('mean_frechet_distance', 'bicubic with antialiasing to 8x8, rounded')
        >>> extractor(np.full([2, 16, 16, 1], 255, np.uint8)).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    place = epath.Path(path).expanduser()
    if place.is_dir():
        return _from_saved_model(place)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    return _from_jax(place, content)


def _from_saved_model(place: epath.Path) -> OwnExtractor:
    try:
        model = tf.saved_model.load(place)
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        raise UserError(f"{place} is no SavedModel that TensorFlow loads: {error}") from error
    names = [*model.signatures]
    key = names[0] if len(names) == 1 else "serving_default"
    if key not in names:
        raise UserError(f"{place} has no signature serving_default: {_NEEDED}")
    signature = model.signatures[key]
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise UserError(f"{place} has {len(inputs)} inputs and {len(outputs)} outputs: {_NEEDED}")
    [(name, spec)], [output] = inputs.items(), outputs

    def network(images: np.ndarray) -> np.ndarray:
        # Of the model, since variables live as long as that.
        return model.signatures[key](**{name: tf.constant(images)})[output].numpy()

    files = [place / "saved_model.pb", *sorted((place / "variables").glob("*"))]
    checksum = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    shape = spec.shape.as_list() if spec.shape.rank is not None else [None] * 4
    return _extractor_of(place, network, checksum, shape, spec.dtype.as_numpy_dtype)


def _from_jax(place: epath.Path, content: bytes) -> OwnExtractor:
    require_packages(f"{place}, a file,", ["jax"], "stablehlo")
    import jax
    from jax import export

    try:
        exported = export.deserialize(bytearray(content))
    except Exception as error:  # flatbuffers raises what the bytes lead it to
        raise UserError(f"{place} is neither a SavedModel nor a file of jax.export") from error
    structures = jax.tree.structure(((0,), {})), jax.tree.structure(0)
    if (exported.in_tree, exported.out_tree) != structures:
        raise UserError(f"{place} is of {exported.in_tree} to {exported.out_tree}: {_NEEDED}")
    [aval] = exported.in_avals
    shape = [side if isinstance(side, int) else None for side in aval.shape]
    checksum = hashlib.sha256(content).hexdigest()
    return _extractor_of(place, exported.call, checksum, shape, aval.dtype)


def _extractor_of(
    place: epath.Path,
    network: Callable[[np.ndarray], np.ndarray],
    checksum: str,
    shape: list[int | None],
    dtype: Any,
) -> OwnExtractor:
    if (
        len(shape) != 4
        or shape[3] not in (3, None)
        or np.dtype(dtype) not in (np.uint8, np.float32)
    ):
        raise UserError(f"{place} takes {np.dtype(dtype)} {shape}: {_NEEDED}")
    batch, *sides, _ = shape
    size = None if None in sides else (sides[0], sides[1])
    if size is None and sides != [None, None]:
        raise UserError(f"{place} takes {shape}: both sides must be fixed, or neither")
    stem = place.name.partition(".")[0] or "own"
    return OwnExtractor(network, stem, checksum, size, dtype, batch)  # type: ignore[arg-type]
