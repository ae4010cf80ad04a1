"""A dataset from a folder of image files, whose sub-folders are the classes."""

import hashlib
import os
import sys

import numpy as np
import tensorflow as tf
from PIL import UnidentifiedImageError

from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder_listing import list_folder
from cascade_tf.data.image_decoding import (
    JPEG,
    PNG,
    decode_plain_or_nothing,
    decode_rgb,
    is_plain,
)
from cascade_tf.data.image_files import opened, printable
from cascade_tf.data.source import NumberedSource, Record, mapped
from cascade_tf.errors import UserError

_CANNOT_DECODE = "cannot decode image "
_FILES_IN_A_CALL = 16


class FolderSource(NumberedSource):
    """The images under `config.data_dir`, decoded on demand.

    The folders directly under `data_dir`, sorted, are the classes, with images at any depth. Images
    in `data_dir` itself form a class of their own. Names that start with a dot are ignored.

    A hash of an image's path assigns it to the test split (one in ten), so adding images moves no
    other between splits. If that would leave a split of a small folder empty, it receives the
    image of the lowest hash (test) or of the highest (train). Folders of splits and
    `config.test_dir` take the place of the hash: see `folder_splits.py`.

    With `config.bad_images` = `skip`, the next image in the split's order replaces one that cannot
    be decoded, and all others keep their positions.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         os.mkdir(f"{folder}/{name}")
    ...         Image.new("RGB", (8, 8)).save(f"{folder}/{name}/1.png")
    ...     source = FolderSource(DataConfig("folder", folder, image_size=8), "all")
    >>> source.num_examples, source.num_classes
    (2, 2)
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Lists the folder and selects the images of `split` (train, test or all).

        Raises:
            SettingError: `data_dir` is not set.
            UserError: the folder is missing, has no images, or has too few to split.
        """
        if not config.data_dir:
            config.refuse("name the folder of images by `data_dir`", "dataset")
        self._root = os.path.expanduser(config.data_dir)
        test_root = os.path.expanduser(config.test_dir) if config.test_dir else None
        self._listing = list_folder(self._root, test_root)
        count, num_test = len(self._listing.paths), self._listing.num_test
        if split != "all" and not num_test:
            raise UserError(
                f"one image in {self._root} cannot be split: add images, or use `split`=all"
            )
        # In order of hashes, so that the first images of a split come from all folders.
        end = num_test + self._listing.num_train
        self._range = {"all": (0, count), "test": (0, num_test), "train": (num_test, end)}[split]
        self._bad: set[bytes] = set()
        names, own = self._listing.class_names, self._listing.labels[slice(*self._range)].numpy()
        super().__init__(
            config,
            num_examples=self._range[1] - self._range[0],
            num_classes=len(names),
            class_names=names,
            class_counts=np.bincount(own[own >= 0], minlength=len(names)).tolist(),
        )
        if np.any(own < 0):
            self.unknown_classes = self._listing.unknown_classes
        self.notes = self._listing.notes

    def paths(self) -> list[str]:
        """Paths of the split's images, in random order."""
        own = self._listing.paths[slice(*self._range)].numpy()
        return [os.fsdecode(path) for path in own]

    def _path(self, record: tf.Tensor | int) -> tf.Tensor:
        return tf.gather(self._listing.paths, self._range[0] + record)

    def _label(self, record: tf.Tensor) -> tf.Tensor:
        return tf.maximum(0, tf.gather(self._listing.labels, self._range[0] + record))

    def fingerprint(self) -> str:
        """Hash of paths and classes; for files on this machine, also of sizes and times."""
        digest = hashlib.sha256()
        own = slice(*self._range)
        paths, labels = self._listing.paths[own].numpy(), self._listing.labels[own].numpy()
        for path, label in zip(paths, labels, strict=True):
            facts = [os.fsdecode(path).removeprefix(self._root), int(label)]
            if os.path.exists(path):
                facts += [os.stat(path).st_size, os.stat(path).st_mtime_ns]
            digest.update(repr(facts).encode())
        return digest.hexdigest()[:12]

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Pairs of an index and (record, content), where content is empty unless plain.

        Files are read in groups, since each call of Python waits for the interpreter's lock.
        """

        def read(paths: np.ndarray) -> np.ndarray:
            return np.array([_plain_content(path) for path in paths], object)

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
        """The first decodable image of the `tries` from `record` on, and its number.

        Plain files are decoded in the graph. If that fails, they are decoded again in Python, whose
        error names the file.
        """
        number, content = record

        def in_python(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, number = tf.numpy_function(
                lambda number: self._decode_first_good(number, tries),
                [number],
                [tf.uint8, tf.int64],
            )
            return tf.ensure_shape(image, [None, None, 3]), tf.ensure_shape(number, [])

        image = decode_plain_or_nothing(content)
        return tf.cond(tf.size(image) > 0, lambda: (image, number), lambda: in_python(number))

    def _decode_first_good(self, number: np.ndarray, tries: int) -> tuple[np.ndarray, np.int64]:
        """Decodes in Python for `_first_good`.

        Returns a black pixel and -1 if there is no such image. Raises ValueError if all images of
        the split were tried, or, with `bad_images` = `fail`, for the first undecodable one.
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
            raise ValueError(f"{_CANNOT_DECODE}{printable(path)}, nor any other in the folder")
        return np.zeros([1, 1, 3], np.uint8), np.int64(-1)

    def _report(self, path: bytes, message: str) -> None:
        """Reports a bad image once on stderr, with the number of bad images."""
        if path not in self._bad:
            self._bad.add(path)
            print(f"{message}: skipped, {len(self._bad)} so far", file=sys.stderr, flush=True)


def undecodable_image_message(error: Exception) -> str | None:
    """The line "cannot decode image PATH: reason" in an error of the input pipeline, or None.

    TensorFlow passes on a Python exception as text: its message, then lines of traceback.

    >>> text = "ValueError: cannot decode image a.png: not an image\\nTraceback ..."
    >>> undecodable_image_message(tf.errors.UnknownError(None, None, text))
    'cannot decode image a.png: not an image'
    """
    message = error.message if isinstance(error, tf.errors.OpError) else ""
    _, prefix, rest = message.partition(_CANNOT_DECODE)
    return prefix + rest.splitlines()[0] if prefix else None


def decode_file(path: bytes) -> np.ndarray:
    """Decodes a file to uint8 [h, w, 3]; raises ValueError "cannot decode image PATH: reason"."""
    try:
        return decode_rgb(_content(path))
    except Exception as error:  # damaged files raise errors of any type
        raise ValueError(f"{_CANNOT_DECODE}{printable(path)}: {_reason(error)}") from error


def decode_record(encoded: bytes, dataset: str) -> np.ndarray:
    """Like `decode_file`, for a record of a dataset."""
    try:
        return decode_rgb(encoded)
    except Exception as error:  # damaged files raise errors of any type
        raise ValueError(f"{_CANNOT_DECODE}of {dataset}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # its message is an object's address
        return "not an image"
    if isinstance(error, tf.errors.InvalidArgumentError):  # its message names operations
        return "its data is damaged, or too large"
    return " ".join(str(error).split()) or type(error).__name__


def _plain_content(path: bytes) -> bytes:
    """Content of a plain file, which a graph can decode; empty for all other files."""
    try:
        with opened(path) as file:
            content = file.read(len(PNG))
            if content.startswith((JPEG, PNG)):
                content += file.read()
    except (OSError, tf.errors.OpError):  # `decode_file` will raise it again
        return b""
    return content if is_plain(content) else b""


def _content(path: bytes) -> bytes:
    with opened(path) as file:
        return file.read()
