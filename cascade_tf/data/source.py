"""Interface of datasets: an endless training stream from any index, and one evaluation pass."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from cascade_tf.data.config import DataConfig
from cascade_tf.data.preprocessing import evaluation_image, training_image, whole_image
from cascade_tf.examples import Examples


class Share(NamedTuple):
    """The examples that one of several machines reads: every `of`-th, starting at `number`.

    >>> from cascade_tf.data import ArraySource
    >>> source = ArraySource(np.zeros([5, 8, 8, 1], np.uint8))
    >>> batches = source.evaluation_examples(batch_size=2, share=Share(1, 2))
    >>> [batch.indices.numpy().tolist() for batch in batches]
    [[1, 3], [-1, -1]]
    """

    number: int | tf.Tensor
    of: int


WHOLE = Share(0, 1)
Record: TypeAlias = Any  # tensors, in a structure of the source's choice


class Source(abc.ABC):
    """One split of one dataset.

    A subclass defines the order of its records and decodes them. A *record* represents an image
    that is not decoded yet, by its number or its encoded bytes.

    Attributes:
        config: the dataset and its preprocessing.
        name: the dataset's name, as in `config.dataset`.
        split: `train`, `test` or `all`.
        num_examples: images in the split, at least 1.
        num_classes: labels are in [0, num_classes); 1 if the dataset has no classes.
        unknown_classes: names of classes of its images that training images lack; these have the
            label 0, which means nothing.

    Example: see `ArraySource`.
    """

    split = "train"
    notes: Sequence[str] = ()
    unknown_classes: Sequence[str] = ()

    def __init__(
        self,
        config: DataConfig,
        num_examples: int,
        num_classes: int,
        class_names: Sequence[str] = (),
        class_counts: Sequence[int] = (),
    ) -> None:
        self.config = config
        self.name = config.dataset
        self.num_examples = num_examples
        self.num_classes = num_classes
        self.class_names, self.class_counts = tuple(class_names), tuple(class_counts)

    @abc.abstractmethod
    def _ordered_records(self) -> tf.data.Dataset:
        """The split's records, once each, always in the same order."""

    @abc.abstractmethod
    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        """A share of the split's records, each once, shuffled by `config.seed` and `epoch`.

        `epoch` and `share.number` are int64 tensors.
        """

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Converts records, in pairs of an index and a record, to the form that `_read` takes."""
        return records

    @abc.abstractmethod
    def _read(self, record: Record) -> tuple[tf.Tensor, tf.Tensor]:
        """The record's image, uint8 [h, w, 1 or 3], and label, int32.

        With `config.bad_images` = `skip`, another image and its label replace a bad one.
        """

    def _read_or_none(self, record: Record) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | bool]:
        """See `_read`; the third value is False for a bad image that is to be skipped."""
        return *self._read(record), True

    def fingerprint(self) -> str | None:
        """A hash that identifies the set of images, for the names of caches.

        None if they are in memory and need no cache.
        """
        return None

    def prepare(self) -> None:  # noqa: B027 most have nothing to do
        """Prepares the dataset before a training; called on one machine for all."""

    def whole_images(self, mask: np.ndarray) -> tf.data.Dataset:
        """Returns uncropped training images, in the split's own order.

        Args:
            mask: bool [num_examples], True for the images to return.

        Returns:
            A dataset of images, uint8 [h, w, channels] with min(h, w) = `config.image_size`, and
            labels, int32.
        """

        def image(_: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, label = self._read(record)
            return whole_image(image, self.config), label

        records = self._ordered_records().enumerate()
        records = records.filter(_as_it_is(lambda number, _: tf.gather(mask, number)))
        return mapped(image, self._loaded(records)).prefetch(tf.data.AUTOTUNE)

    def training_examples(
        self, batch_size: int, start_index: int, share: Share = WHOLE
    ) -> tf.data.Dataset:
        """Returns an endless stream of full, shuffled, preprocessed batches.

        With N examples in the split, example n of the stream is record n % N of the permutation
        of epoch n // N. The stream from `start_index` equals the stream from 0 without its first
        examples, so a resumed run sees the same examples as an uninterrupted one.

        Args:
            batch_size: examples in each batch.
            start_index: global index of the first example of all shares.
            share: part of the stream to yield; no other images are decoded.

        Returns:
            A dataset of `Examples` with static shapes.
        """
        first_epoch, skipped = divmod(start_index, self.num_examples)

        def part(epoch: tf.Tensor | int) -> Share:
            """The share within an epoch, whose length need not be a multiple of `share.of`."""
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
            batch_size: examples in each batch.
            limit: number of examples; None means all.
            share: part of them to yield.

        Returns:
            A dataset of `Examples` with static shapes, of equally many batches for every share. The
            last batches are padded with black images of label 0 and index -1. Skipped bad images
            have index -1 too.
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
        padding = Examples(
            images=tf.zeros(shape, tf.uint8),
            labels=tf.constant(0, tf.int32),
            indices=tf.constant(-1, tf.int64),
        )
        rows = batch_size * -(-count // (batch_size * share.of))
        paddings = tf.data.Dataset.from_tensors(padding).repeat(rows - own)
        return _batched(examples.concatenate(paddings), batch_size)


class NumberedSource(Source):
    """A source whose records are the numbers 0..N-1, so that skipping one costs nothing."""

    def _ordered_records(self) -> tf.data.Dataset:
        return tf.data.Dataset.range(self.num_examples)

    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        # tf.random.experimental.index_shuffle would need no memory, but is biased: over 2,000 seeds
        # of 100 numbers, chi-square of the positions is 8 per degree of freedom.
        numbers = tf.random.experimental.stateless_shuffle(
            tf.range(self.num_examples, dtype=tf.int64),
            seed=tf.stack([tf.constant(self.config.seed, tf.int64), epoch]),
        )
        return tf.data.Dataset.from_tensor_slices(numbers[share.number :: share.of])


# AutoGraph takes longer to convert these functions than TensorFlow to trace them.
_as_it_is = tf.autograph.experimental.do_not_convert


def mapped(function: Callable, indices_and_records: tf.data.Dataset) -> tf.data.Dataset:
    """Maps a traceable function over pairs, in parallel; results stay in order."""
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
