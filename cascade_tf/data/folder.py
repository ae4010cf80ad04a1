"""A folder of image files; its sub-folders, if any, are the classes."""

import hashlib
import os
import sys
from typing import IO

import numpy as np
import tensorflow as tf
from PIL import UnidentifiedImageError

from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder_listing import list_folder
from cascade_tf.data.image_decoding import JPEG, decode_jpeg, decode_rgb, is_plain_jpeg
from cascade_tf.data.source import NumberedSource, Record, mapped
from cascade_tf.errors import UsageError, UserError

_CANNOT_DECODE = "cannot decode image "
_FILES_IN_A_CALL = 16


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
            raise UsageError("`dataset`=folder needs `data_dir`, the folder with the images")
        self._root = os.path.expanduser(config.data_dir)
        self._listing = list_folder(self._root)
        count, num_test = len(self._listing.paths), self._listing.num_test
        if split != "all" and not num_test:
            raise UserError(
                f"one image in {self._root} cannot be split: add images, or use `split`=all"
            )
        # By hash, so that the first images of a split are of all its folders.
        self._range = {"all": (0, count), "test": (0, num_test), "train": (num_test, count)}[split]
        self._bad: set[bytes] = set()
        super().__init__(
            config,
            num_examples=self._range[1] - self._range[0],
            num_classes=self._listing.num_classes,
        )

    def _path(self, record: tf.Tensor | int) -> tf.Tensor:
        return tf.gather(self._listing.paths, self._range[0] + record)

    def _label(self, record: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._listing.labels, self._range[0] + record)

    def fingerprint(self) -> str:
        """Of paths and classes; of files on this machine, also of their sizes and times."""
        digest = hashlib.sha256()
        own = slice(*self._range)
        paths, labels = self._listing.paths[own].numpy(), self._listing.labels[own].numpy()
        for path, label in zip(paths, labels, strict=True):
            told = [os.fsdecode(path)[len(self._root) :], int(label)]
            if os.path.exists(path):
                told += [os.stat(path).st_size, os.stat(path).st_mtime_ns]
            digest.update(repr(told).encode())
        return digest.hexdigest()[:12]

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Puts the content of plain JPEG files beside the numbers, of all others nothing.

        Many files in a call, since each call waits for Python's lock.
        """

        def read(paths: np.ndarray) -> np.ndarray:
            return np.array([_plain_jpeg(path) for path in paths], object)

        def with_contents(index: tf.Tensor, record: tf.Tensor):
            contents = tf.numpy_function(read, [self._path(record)], tf.string)
            return index, (record, tf.ensure_shape(contents, [None]))

        return mapped(with_contents, records.batch(_FILES_IN_A_CALL)).unbatch()

    def _read(self, record: Record) -> tuple[tf.Tensor, tf.Tensor]:
        image, number = self._first_good(record, self.num_examples)
        return image, self._label(number)

    def _read_or_none(self, record: Record) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | bool]:
        image, number = self._first_good(record, 1)
        exists = number >= 0
        return image, tf.where(exists, self._label(record[0]), 0), exists

    def _first_good(
        self, record: tuple[tf.Tensor, tf.Tensor], tries: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The first of so many images from `record` on that can be decoded, and its number.

        Plain JPEG is decoded in the graph. A file that fails there has another try in Python,
        which can name it.
        """
        number, content = record

        def in_python(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, number = tf.numpy_function(
                lambda number: self._decode_first_good(number, tries),
                [number],
                [tf.uint8, tf.int64],
            )
            return tf.ensure_shape(image, [None, None, 3]), tf.ensure_shape(number, [])

        def in_graph() -> tuple[tf.Tensor, tf.Tensor]:
            one = tf.data.Dataset.from_tensors((content, number))
            decoded = one.map(lambda content, number: (decode_jpeg(content), number))
            again = tf.data.Dataset.from_tensors(number).map(in_python)
            return decoded.ignore_errors().concatenate(again).take(1).get_single_element()

        return tf.cond(content != b"", in_graph, lambda: in_python(number))

    def _decode_first_good(self, number: np.ndarray, tries: int) -> tuple[np.ndarray, np.int64]:
        """As `_first_good`. If there is none, a black pixel and -1, or an error if all were tried.

        With `bad_images` = `fail` the first that cannot be decoded is an error.
        """
        for candidate in (number + np.arange(tries)) % self.num_examples:
            path = self._path(candidate).numpy()
            try:
                return decode_file(path), np.int64(candidate)
            except ValueError as error:
                if self.config.bad_images == "fail":
                    raise
                self._report(path, str(error))
        if tries == self.num_examples:
            raise ValueError(f"{_CANNOT_DECODE}{printable(path)}, nor any other of the folder")
        return np.zeros([1, 1, 3], np.uint8), np.int64(-1)

    def _report(self, path: bytes, told: str) -> None:
        """Names a bad image once, and counts."""
        if path not in self._bad:
            self._bad.add(path)
            print(f"{told}: skipped, {len(self._bad)} so far", file=sys.stderr, flush=True)


def undecodable_image_message(error: tf.errors.OpError) -> str | None:
    """The line "cannot decode image PATH: reason" of an error of the input pipeline, or None.

    TensorFlow passes a Python exception on as text: its message, and a traceback on more lines.
    """
    _, found, rest = error.message.partition(_CANNOT_DECODE)
    return found + rest.splitlines()[0] if found else None


def decode_file(path: bytes) -> np.ndarray:
    """uint8 [h, w, 3]; ValueError "cannot decode image PATH: reason"."""
    try:
        return decode_rgb(_content(path))
    except Exception as error:  # decoders raise of every kind on mutilated files
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):  # it tells an object's address
            reason = "not an image"
        elif isinstance(error, tf.errors.InvalidArgumentError):  # it names TensorFlow's operations
            reason = "its JPEG data is damaged, or too large"
        raise ValueError(f"{_CANNOT_DECODE}{printable(path)}: {reason}") from error


def _plain_jpeg(path: bytes) -> bytes:
    """A file's content, for a graph to decode; nothing if `decode_file` has to."""
    try:
        with _opened(path) as file:
            content = file.read(len(JPEG))
            if content == JPEG:
                content += file.read()
    except (OSError, tf.errors.OpError):  # `decode_file` will tell
        return b""
    return content if is_plain_jpeg(content) else b""


def _content(path: bytes) -> bytes:
    with _opened(path) as file:
        return file.read()


def _opened(path: bytes) -> IO[bytes]:
    return tf.io.gfile.GFile(path, "rb") if b"://" in path else open(path, "rb")


def printable(path: bytes) -> str:
    """A path on one line, whatever characters are in it."""
    text = os.fsdecode(path).encode(errors="backslashreplace").decode()
    return text.replace("\n", "\\n").replace("\r", "\\r")
