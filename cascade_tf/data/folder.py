"""A folder of image files; its sub-folders, if any, are the classes."""

import hashlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

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

    With `config.bad_images` = `skip` the next image in the split's own order takes the place of
    one that cannot be decoded, so that all others keep theirs.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Lists the folder once and takes the images of `split` (train, test or all).

        Raises:
            UsageError: there is no `data_dir`.
            UserError: the folder is missing, has no images, or too few to be split.
        """
        if not config.data_dir:
            raise UsageError("--dataset=folder needs --data_dir, the folder with the images")
        self._root = root = os.path.expanduser(config.data_dir)
        paths = image_paths(root, "--data_dir")
        classes = sorted({_class_name(path) for path in paths})
        chosen = paths if split == "all" else _split_paths(paths, root)[split]
        # By hash, so that the first images of a split are of all its folders.
        chosen = sorted(chosen, key=_hash_in_unit_interval)
        self._paths = tf.constant([os.fsencode(os.path.join(root, path)) for path in chosen])
        self._labels = tf.constant([classes.index(_class_name(path)) for path in chosen], tf.int32)
        self._bad: set[bytes] = set()
        super().__init__(config, num_examples=len(chosen), num_classes=len(classes))

    def fingerprint(self) -> str:
        """Of paths and classes; of files on this machine, also of their sizes and times."""
        digest = hashlib.sha256()
        for path, label in zip(self._paths.numpy(), self._labels.numpy(), strict=True):
            told = [os.fsdecode(path)[len(self._root) :], int(label)]
            if os.path.exists(path):
                told += [os.stat(path).st_size, os.stat(path).st_mtime_ns]
            digest.update(repr(told).encode())
        return digest.hexdigest()[:12]

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        path = tf.gather(self._paths, record)
        image = tf.numpy_function(decode_file, [path], tf.uint8)
        image.set_shape([None, None, 3])
        return image, tf.gather(self._labels, record)

    def _read_or_another(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if self.config.bad_images == "fail":
            return self._read(record)
        image, used = self._first_good(record, self.num_examples)
        return image, tf.gather(self._labels, used)

    def _read_or_none(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | bool]:
        if self.config.bad_images == "fail":
            return *self._read(record), True
        image, used = self._first_good(record, 1)
        exists = used >= 0
        return image, tf.where(exists, tf.gather(self._labels, record), 0), exists

    def _first_good(self, record: tf.Tensor, tries: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The first of so many images from `record` on that can be decoded, and its number.

        If there is none, a black pixel and -1 where one alone was tried; else an error.
        """

        def decode(record: np.ndarray) -> tuple[np.ndarray, np.int64]:
            for number in (record + np.arange(tries)) % self.num_examples:
                path = self._paths[number].numpy()
                try:
                    return decode_file(path), np.int64(number)
                except ValueError as error:
                    self._report(path, str(error))
            if tries == self.num_examples:
                raise ValueError(f"{_CANNOT_DECODE}{printable(path)}, nor any other of the folder")
            return np.zeros([1, 1, 3], np.uint8), np.int64(-1)

        image, used = tf.numpy_function(decode, [record], (tf.uint8, tf.int64))
        image.set_shape([None, None, 3])
        return image, tf.ensure_shape(used, [])

    def _report(self, path: bytes, told: str) -> None:
        """Names a bad image once, and counts."""
        if path not in self._bad:
            self._bad.add(path)
            print(f"{told}: skipped, {len(self._bad)} so far", file=sys.stderr, flush=True)


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
        raise ValueError(f"{_CANNOT_DECODE}{printable(path)}: {reason}") from error


def printable(path: bytes) -> str:
    """A path on one line, whatever characters are in it."""
    text = os.fsdecode(path).encode(errors="backslashreplace").decode()
    return text.replace("\n", "\\n").replace("\r", "\\r")


def image_paths(root: str, flag: str) -> list[str]:
    """Sorted paths, relative to `root`, of the images under it; errors name the flag."""
    if not tf.io.gfile.isdir(root):
        raise UserError(f"{flag}: there is no folder {root}")
    walk = tf.io.gfile.walk if "://" in root else _walk
    paths = []
    for folder, _, names in walk(root):
        inside = folder[len(root) :].strip("/")  # os.path.relpath does not know gs://
        paths += [os.path.join(inside, name) for name in names if _is_image(inside, name)]
    if not paths:
        raise UserError(f"{flag}: no images ({', '.join(EXTENSIONS)}) in the folder {root}")
    paths.sort()
    return paths


def _walk(root: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk; symbolic links out of `root` are followed, and no folder is entered twice."""
    top = os.path.realpath(root)
    seen = {top}

    def is_new(path: str) -> bool:
        target = os.path.realpath(path)
        inside = os.path.islink(path) and target.startswith(os.path.join(top, ""))
        if inside or target in seen:  # what is inside is found without the link
            return False
        seen.add(target)
        return True

    for folder, folders, names in os.walk(root, followlinks=True, onerror=_raise):
        folders[:] = [name for name in sorted(folders) if is_new(os.path.join(folder, name))]
        yield folder, folders, names


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_image(folder: str, name: str) -> bool:
    hidden = name.startswith(".") or any(part.startswith(".") for part in folder.split("/"))
    return name.lower().endswith(EXTENSIONS) and not hidden


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
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
