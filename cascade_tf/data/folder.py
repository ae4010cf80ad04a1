"""A folder of image files; its sub-folders, if any, are the classes."""

import hashlib
import os

import numpy as np
import tensorflow as tf
from PIL import UnidentifiedImageError

from cascade_tf.data.config import DataConfig
from cascade_tf.data.image_decoding import decode_rgb
from cascade_tf.data.source import NumberedSource
from cascade_tf.errors import UsageError, UserError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp")
_TEST_SHARE = 0.1
_CANNOT_DECODE = "cannot decode image "


class FolderSource(NumberedSource):
    """The images under `config.data_dir`, decoded one by one when they are needed.

    A class is a folder directly under `data_dir`, at whatever depth the images are in it, in
    sorted order; images that lie in `data_dir` itself are a class of their own. A hash of its path
    decides whether an image is in the test split (one in ten), so it stays there when others are
    added; only where the hashes of a small folder would leave a split empty does the image of the
    lowest hash test, or that of the highest train. Names that start with a dot are left out.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Lists the folder once and takes the images of `split` (train, test or all).

        Raises:
            UsageError: there is no `data_dir`.
            UserError: the folder is missing, has no images, or too few to be split.
        """
        if not config.data_dir:
            raise UsageError("--dataset=folder needs --data_dir, the folder with the images")
        root = os.path.expanduser(config.data_dir)
        paths = image_paths(root, "--data_dir")
        classes = sorted({_class_name(path) for path in paths})
        chosen = paths if split == "all" else _split_paths(paths, root)[split]
        # By hash, so that the first images of a split are of all its folders.
        chosen = sorted(chosen, key=_hash_in_unit_interval)
        self._paths = tf.constant([os.path.join(root, path) for path in chosen])
        self._labels = tf.constant([classes.index(_class_name(path)) for path in chosen], tf.int32)
        super().__init__(config, num_examples=len(chosen), num_classes=len(classes))

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        path = tf.gather(self._paths, record)
        image = tf.numpy_function(decode_file, [path], tf.uint8)
        image.set_shape([None, None, 3])
        return image, tf.gather(self._labels, record)


def undecodable_image_message(error: tf.errors.OpError) -> str | None:
    """The line "cannot decode image PATH: reason" in an error of the input pipeline, or None.

    TensorFlow wraps what went wrong in a traceback and the names of its nodes.
    """
    for line in error.message.splitlines():
        if _CANNOT_DECODE in line:
            return line[line.index(_CANNOT_DECODE) :]
    return None


def decode_file(path: bytes) -> np.ndarray:
    """uint8 [h, w, 3]; ValueError "cannot decode image PATH: reason"."""
    try:
        return decode_rgb(tf.io.gfile.GFile(path, "rb").read())
    except Exception as error:  # decoders raise of every kind on mutilated files
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):  # it tells an object's address
            reason = "not an image"
        raise ValueError(f"{_CANNOT_DECODE}{path.decode()}: {reason}") from error


def image_paths(root: str, flag: str) -> list[str]:
    """Sorted paths, relative to `root`, of the images under it; errors name the flag."""
    if not tf.io.gfile.isdir(root):
        raise UserError(f"{flag}: there is no folder {root}")
    paths = []
    try:
        for folder, _, names in tf.io.gfile.walk(root):
            inside = folder[len(root) :].strip("/")  # os.path.relpath does not know gs://
            paths += [os.path.join(inside, name) for name in names]
    except UnicodeDecodeError as error:
        raise UserError(f"{flag}: a name in {root} is not UTF-8: {error.object!r}") from error
    paths = sorted(path for path in paths if _is_image(path))
    if not paths:
        raise UserError(f"{flag}: no images ({', '.join(EXTENSIONS)}) in the folder {root}")
    return paths


def _is_image(path: str) -> bool:
    hidden = any(part.startswith(".") for part in path.split("/"))
    return path.lower().endswith(EXTENSIONS) and not hidden


def _class_name(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


def _split_paths(paths: list[str], root: str) -> dict[str, list[str]]:
    """Paths of the train and test splits; neither is empty."""
    if len(paths) < 2:
        raise UserError(f"one image in {root} cannot be split: add images, or use --split=all")
    # The extremes are in different splits whatever their hashes, so that none is ever empty.
    by_hash = sorted(paths, key=_hash_in_unit_interval)
    test = {path for path in by_hash[1:-1] if _hash_in_unit_interval(path) < _TEST_SHARE}
    test.add(by_hash[0])
    return {
        "train": [path for path in paths if path not in test],
        "test": [path for path in paths if path in test],
    }


def _hash_in_unit_interval(path: str) -> float:
    digest = hashlib.sha256(path.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
