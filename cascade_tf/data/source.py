"""What every dataset offers: an endless training stream that can start anywhere, and one pass."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from cascade_tf.data.config import DataConfig
from cascade_tf.data.preprocessing import evaluation_image, training_image, whole_image
from cascade_tf.examples import Examples


class Share(NamedTuple):
    """Every `of`-th example, from the one of that number on: what one of several machines reads."""

    number: int | tf.Tensor
    of: int


WHOLE = Share(0, 1)
Record: TypeAlias = Any  # tensors, in the structure that a source chooses


class Source(abc.ABC):
    """One split of one dataset.

    A subclass says how its records are ordered and how one becomes an image. A *record* is
    whatever stands cheaply for an image that has not been read or decoded yet.

    Attributes:
        config: the dataset and its preprocessing.
        name: the dataset's name, as in `config.dataset`.
        split: `train`, `test` or `all`.
        num_examples: images in the split, at least 1.
        num_classes: labels are in [0, num_classes); 1 when the dataset has no classes.
    """

    split = "train"

    def __init__(self, config: DataConfig, num_examples: int, num_classes: int) -> None:
        self.config = config
        self.name = config.dataset
        self.num_examples = num_examples
        self.num_classes = num_classes

    @abc.abstractmethod
    def _ordered_records(self) -> tf.data.Dataset:
        """The split's records, once each, always in the same order."""

    @abc.abstractmethod
    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        """A share of the split's records, each once in an order set by `config.seed` and `epoch`.

        Both are of int64 tensors: the epoch, and the number of the share.
        """

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Pairs of an index and a record that is to be read, as `_read` takes it."""
        return records

    @abc.abstractmethod
    def _read(self, record: Record) -> tuple[tf.Tensor, tf.Tensor]:
        """The record's image, uint8 [h, w, 1 or 3], and label, int32.

        Where `config.bad_images` says so, another image and its label for one that is bad.
        """

    def _read_or_none(self, record: Record) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | bool]:
        """As `_read`, and whether it is an image; none if bad and `config.bad_images` says so."""
        return *self._read(record), True

    def fingerprint(self) -> str | None:
        """Of the images' names, as far as they can tell one set from another; None: no need of it.

        Images that are in memory anyway have none.
        """
        return None

    def prepare(self) -> None:  # noqa: B027 most have nothing to do
        """What is to be done once, before the first training; one machine does it for all."""

    def whole_images(self, wanted: np.ndarray) -> tf.data.Dataset:
        """Returns images for training that are not cropped, in the split's own order.

        Args:
            wanted: bool [num_examples], which images.

        Returns:
            A dataset of images, uint8 [h, w, channels], their shorter sides `config.image_size`
            long, and labels, int32.
        """

        def image(_: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, label = self._read(record)
            return whole_image(image, self.config), label

        records = self._ordered_records().enumerate()
        records = records.filter(_as_it_is(lambda number, _: tf.gather(wanted, number)))
        return mapped(image, self._loaded(records)).prefetch(tf.data.AUTOTUNE)

    def training_examples(
        self, batch_size: int, start_index: int, share: Share = WHOLE
    ) -> tf.data.Dataset:
        """Returns an endless stream of full, shuffled, preprocessed batches.

        With N examples in the split, example n of the stream is record n % N of the permutation
        of epoch n // N. The stream from `start_index` is what the stream from 0 yields from
        there on, so a resumed run sees what an undisturbed one would have seen.

        Args:
            batch_size: of the batches that come out.
            start_index: the global index of the first example of all shares.
            share: which part of the stream to yield; it reads and decodes no other's images.

        Returns:
            A dataset of `Examples` with static shapes.
        """
        first_epoch, skipped = divmod(start_index, self.num_examples)

        def part(epoch: tf.Tensor | int) -> Share:
            """Of that epoch: the number of examples need not be divisible by that of shares."""
            return Share(
                (start_index + share.number - epoch * self.num_examples) % share.of, share.of
            )

        records = (
            tf.data.Dataset.range(first_epoch, tf.int64.max)
            .flat_map(_as_it_is(lambda epoch: self._epoch_records(epoch, part(epoch))))
            .skip(len(range(part(first_epoch).number, skipped, share.of)))
        )
        indices = tf.data.Dataset.range(start_index + share.number, tf.int64.max, share.of)

        def example(index: tf.Tensor, record: tf.Tensor) -> Examples:
            image, label = self._read(record)
            return Examples(training_image(image, index, self.config), label, index)

        records = self._loaded(tf.data.Dataset.zip(indices, records))
        return _batched(mapped(example, records), batch_size)

    def evaluation_examples(
        self, batch_size: int, limit: int | None = None, share: Share = WHOLE
    ) -> tf.data.Dataset:
        """Returns one pass over the split in its own order, or over its first `limit` examples.

        Args:
            batch_size: of the batches that come out.
            limit: how many examples to pass over; None means all.
            share: which part of them to yield.

        Returns:
            A dataset of `Examples` with static shapes, of equally many batches for every share. The
            last batches are filled up with black images of label 0 and index -1; such stand for
            bad images, too, that are skipped.
        """
        count = self.num_examples if limit is None else min(limit, self.num_examples)
        own = len(range(share.number, count, share.of))

        def example(index: tf.Tensor, record: tf.Tensor) -> Examples:
            image, label, exists = self._read_or_none(record)
            index = tf.where(exists, index, -1)
            return Examples(evaluation_image(image, self.config), label, index)

        records = self._ordered_records().take(count).enumerate().shard(share.of, share.number)
        examples = mapped(example, self._loaded(records))
        shape = [self.config.image_size, self.config.image_size, self.config.channels]
        filler = Examples(
            images=tf.zeros(shape, tf.uint8),
            labels=tf.constant(0, tf.int32),
            indices=tf.constant(-1, tf.int64),
        )
        rows = batch_size * -(-count // (batch_size * share.of))
        fillers = tf.data.Dataset.from_tensors(filler).repeat(rows - own)
        return _batched(examples.concatenate(fillers), batch_size)


class NumberedSource(Source):
    """A source whose records are the numbers 0..N-1, so that skipping one costs nothing."""

    def _ordered_records(self) -> tf.data.Dataset:
        return tf.data.Dataset.range(self.num_examples)

    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        # Not tf.random.experimental.index_shuffle, which needs no memory but is visibly biased:
        # over 2,000 seeds of 100 numbers, chi-square of the positions is 8 per degree of freedom.
        numbers = tf.random.experimental.stateless_shuffle(
            tf.range(self.num_examples, dtype=tf.int64),
            seed=tf.stack([tf.constant(self.config.seed, tf.int64), epoch]),
        )
        return tf.data.Dataset.from_tensor_slices(numbers[share.number :: share.of])


# AutoGraph would take longer to rewrite these functions than to trace them.
_as_it_is = tf.autograph.experimental.do_not_convert


def mapped(function: Callable, indices_and_records: tf.data.Dataset) -> tf.data.Dataset:
    """Calls of a traceable function, several at a time; what they return stays in order."""
    return indices_and_records.map(
        _as_it_is(function), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _batched(examples: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    return (
        examples.batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )
