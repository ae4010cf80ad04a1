"""A cache of decoded and resized training images, in TFRecords."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.data.image_decoding import RULES
from cascade_tf.data.lanes import LANES, in_turn
from cascade_tf.data.source import WHOLE, Share, Source
from cascade_tf.errors import SettingError
from cascade_tf.files import make_directory
from cascade_tf.progress import ProgressBar

_FILE_EXAMPLES = 256
# Examples in the shuffle buffer; in each epoch the files are shuffled as well.
_SHUFFLE_BUFFER = 4_800
_FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),  # intensities, uint8, row by row
    "sides": tf.io.FixedLenFeature([2], tf.int64),  # height and width
    "label": tf.io.FixedLenFeature([], tf.int64),
}


class _File(NamedTuple):
    """A TFRecord file of the source's records `start` to `stop` - 1."""

    path: epath.Path
    start: int
    stop: int


class CachedSource(Source):
    """A cache of another source's training images, which `prepare` writes.

    Images are cached uncropped, resized so that the shorter side is `config.image_size`. Random
    crops are taken from the resized image, so they begin at whole pixels of that size. Square
    images are the same as without a cache. If bad images are skipped, the cache holds their
    replacements. Evaluations read the source itself.

    Each epoch shuffles the files, and examples in a buffer. Starting in the middle of an epoch
    reads all earlier examples of it. Machines that train together read separate files, unless the
    dataset fits into the shuffle buffer.

    >>> import tempfile
    >>> from PIL import Image
    >>> from cascade_tf.data import DataConfig, open_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (8, 8)).save(f"{folder}/1.png")
    ...     source = open_source(DataConfig("folder", folder, image_size=4), "all")
    ...     cached = CachedSource(source, epath.Path(folder) / "cache")
    ...     cached.prepare()
    ...     batch = next(iter(cached.training_examples(batch_size=2, start_index=0)))
    >>> batch.images.shape
    TensorShape([2, 4, 4, 3])
    """

    def __init__(self, source: Source, directory: str | os.PathLike[str]) -> None:
        """Neither reads nor writes files.

        Args:
            source: of the images.
            directory: of all caches, visible to all machines. This cache is a folder in it, named
                for the images, their size, and the rules by which they were decoded.

        Raises:
            SettingError: the source is in memory, `config.smallest_crop` is below 1, or
                `config.crop` is `window`.
        """
        config = source.config
        fingerprint = source.fingerprint()
        if fingerprint is None:
            raise SettingError({"cache_dir": directory}, f"`dataset`={source.name} needs no cache")
        if config.smallest_crop < 1:
            config.refuse("the cache keeps images too small for crops below 1", "smallest_crop")
        if config.crop == "window":
            config.refuse("the cache keeps resized images: leave out cache_dir", "crop")
        super().__init__(
            config,
            source.num_examples,
            source.num_classes,
            source.class_names,
            source.class_counts,
        )
        self.split, self.notes = source.split, source.notes
        self.unknown_classes = source.unknown_classes
        self._source = source
        name = source.name.replace("/", "_")
        self.directory = epath.Path(directory).expanduser() / (
            f"{name}_{config.image_size}x{config.image_size}x{config.channels}_{fingerprint}_{RULES}"
        )
        lanes = LANES if self.num_examples > _SHUFFLE_BUFFER else 1
        self._lanes = [list(self._files_of(lane, lanes)) for lane in range(lanes)]

    def _files_of(self, lane: int, lanes: int) -> Iterator[_File]:
        sizes = [len(range(number, self.num_examples, lanes)) for number in range(lane + 1)]
        end = sum(sizes)
        for number, start in enumerate(range(end - sizes[-1], end, _FILE_EXAMPLES)):
            path = self.directory / f"{lane:02d}-{number:06d}.tfrecord"
            yield _File(path, start, min(start + _FILE_EXAMPLES, end))

    def prepare(self) -> None:
        """Writes the missing files, each atomically, so that an interrupted run can be resumed.

        Raises:
            tf.errors.OpError: a record cannot be read, or the disk is full.
            UserError: the directory cannot be written to.
        """
        make_directory(self.directory)
        present = {path.name for path in self.directory.iterdir()}
        missing = [f for files in self._lanes for f in files if f.path.name not in present]
        if not missing:
            return
        mask = np.zeros(self.num_examples, bool)
        for file in missing:
            mask[file.start : file.stop] = True
        examples = self._source.whole_images(mask).as_numpy_iterator()
        done = int(self.num_examples - mask.sum())
        with ProgressBar(f"cache {self.name}", self.num_examples, "images", done) as bar:
            for file in missing:
                aside = file.path.with_suffix(f".{os.getpid()}.tmp")
                try:
                    with tf.io.TFRecordWriter(str(aside)) as writer:
                        for _ in range(file.start, file.stop):
                            writer.write(_serialized(*next(examples)))
                    aside.replace(file.path)
                finally:
                    aside.unlink(missing_ok=True)
                done += file.stop - file.start
                bar.update(done)

    def evaluation_examples(
        self, batch_size: int, limit: int | None = None, share: Share = WHOLE
    ) -> tf.data.Dataset:
        return self._source.evaluation_examples(batch_size, limit, share)

    def _ordered_records(self) -> tf.data.Dataset:
        return tf.data.TFRecordDataset([str(f.path) for files in self._lanes for f in files])

    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        def lane(number: int) -> tf.data.Dataset:
            seed = tf.random.experimental.stateless_fold_in(
                tf.stack([tf.constant(self.config.seed, tf.int64), epoch]),
                tf.constant(number, tf.int64),
            )
            paths = tf.constant([str(file.path) for file in self._lanes[number]])
            files = tf.random.experimental.stateless_shuffle(paths, seed)
            return tf.data.TFRecordDataset(files).shuffle(
                min(self.num_examples, _SHUFFLE_BUFFER) // len(self._lanes),
                seed[0],
                reshuffle_each_iteration=False,
            )

        tf.compat.v1.set_random_seed(1)  # see TfdsSource._epoch_records
        return in_turn([lane(k) for k in range(len(self._lanes))], share, self.num_examples)

    def _read(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = tf.io.parse_single_example(record, _FEATURES)
        shape = tf.concat([features["sides"], [self.config.channels]], 0)
        image = tf.reshape(tf.io.decode_raw(features["image"], tf.uint8), shape)
        image.set_shape([None, None, self.config.channels])
        return image, tf.cast(features["label"], tf.int32)


def _serialized(image: np.ndarray, label: int) -> bytes:
    def integers(values: Iterable[int]) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    pixels = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()]))
    feature = {"image": pixels, "sides": integers(image.shape[:2]), "label": integers([label])}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
