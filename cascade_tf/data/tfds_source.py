"""Image datasets of tensorflow-datasets (TFDS)."""

import functools
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from absl import logging

from cascade_tf.data.config import DataConfig
from cascade_tf.data.folder import decode_record
from cascade_tf.data.image_decoding import decode_plain_or_nothing, is_plain
from cascade_tf.data.lanes import LANES, in_turn
from cascade_tf.data.source import NumberedSource, Share, Source, mapped
from cascade_tf.data.tfds_preparation import find_builder, prepare
from cascade_tf.errors import UserError

if TYPE_CHECKING:  # a slow import, which only this source needs
    import tensorflow_datasets as tfds

# Encoded records in the shuffle buffer. TFDS also shuffled them once, when writing.
_SHUFFLE_BUFFER = 10_000
# Records that a call of Python gets, since each call waits for the interpreter's lock.
_RECORDS_IN_A_CALL = 16


def open_tfds(config: DataConfig, split: str) -> "TfdsSource":
    """Opens `split` (train, test or all) of a TFDS dataset, after preparing it if necessary.

    Raises:
        UserError: there is no such dataset, it has no 8-bit images, it cannot be prepared, or its
            files are neither TFRecord nor ArrayRecord.
    """
    import tensorflow_datasets as tfds

    builder = find_builder(config.dataset, config.data_dir)
    image = dict(builder.info.features.items()).get("image")
    if not isinstance(image, tfds.features.Image) or np.dtype(image.np_dtype) != np.uint8:
        raise UserError(f"`dataset`={config.dataset}: this TFDS dataset has no 8-bit images")
    if builder.name == "imagenet_resized":
        logging.log_first_n(
            logging.WARNING,
            "imagenet_resized is downsampled by box averaging. It is easier than "
            "downsampled_imagenet and not comparable with Table 1 of the SPN paper.",
            1,
        )
    prepare(builder, config.dataset)
    return _class_for(builder, config.dataset)(config, split, builder)


def _class_for(builder: "tfds.core.DatasetBuilder", name: str) -> type["TfdsSource"]:
    form = builder.info.file_format.value
    known = {"tfrecord": TfdsSource, "array_record": ArrayRecordSource}
    if form not in known:
        raise UserError(
            f"`dataset`={name} was prepared as {form}: prepare it as {' or '.join(known)}"
        )
    return known[form]


class TfdsSource(Source):
    """A split of a TFDS dataset with the feature `image` and perhaps `label`.

    The test split is the dataset's own, or its validation split if the test split is missing or
    unlabelled. If both are missing, it is the last tenth of the train split (CelebA-HQ: 27,000 and
    3,000). Starting in the middle of an epoch reads all earlier records of it without decoding.
    """

    def __init__(self, config: DataConfig, split: str, builder: "tfds.core.DatasetBuilder") -> None:
        """Opens `split` (train, test or all) of a prepared dataset; see `open_tfds`."""
        import tensorflow_datasets as tfds

        features = dict(builder.info.features.items())
        label = features.get("label")
        self._has_labels = isinstance(label, tfds.features.ClassLabel)
        self._raw_channels = 1 if features["image"].shape[-1] == 1 else 3
        self._builder, self._instruction = builder, _split_instruction(builder, split)
        super().__init__(
            config,
            num_examples=builder.info.splits[self._instruction].num_examples,
            num_classes=label.num_classes if label is not None and self._has_labels else 1,
            class_names=label.names if label is not None and self._has_labels else (),
        )
        self._open()

    def _open(self) -> None:
        self._records = _encoded_records(self._builder, self._instruction, self._has_labels)

    def fingerprint(self) -> str:
        """Hash of the dataset's name, version and split."""
        identity = f"{self._builder.info.full_name} {self._instruction}"
        return hashlib.sha256(identity.encode()).hexdigest()[:12]

    @functools.cached_property
    def _lanes(self) -> list[tf.data.Dataset]:
        """The records, divided into lanes if they exceed the shuffle buffer."""
        import tensorflow_datasets as tfds

        if self.num_examples <= _SHUFFLE_BUFFER:
            return [self._records]
        with tf.init_scope():  # they outlive the function being traced
            return [
                _encoded_records(self._builder, part, self._has_labels)
                for part in tfds.even_splits(self._instruction, LANES)
            ]

    def _ordered_records(self) -> tf.data.Dataset:
        return self._records

    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        # tf.data mixes the graph's seed into the shuffle. A constant seed of this traced function
        # makes the order independent of tf.random.set_seed.
        tf.compat.v1.set_random_seed(1)
        seed = tf.random.stateless_uniform(
            shape=[],
            seed=tf.stack([tf.constant(self.config.seed, tf.int64), epoch]),
            maxval=tf.int64.max,
            dtype=tf.int64,
        )
        buffer_size = min(self.num_examples, _SHUFFLE_BUFFER) // len(self._lanes)
        shuffled = [
            lane.shuffle(buffer_size, seed + number, reshuffle_each_iteration=False)
            for number, lane in enumerate(self._lanes)
        ]
        return in_turn(shuffled, share, self.num_examples)

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Adds `plain` to each record: whether the graph can decode its image."""

        def check(images: np.ndarray) -> np.ndarray:
            return np.array([is_plain(image) for image in images])

        def with_plain(index: tf.Tensor, record: dict[str, tf.Tensor]):
            plain = tf.numpy_function(check, [record["image"]], tf.bool)
            return index, {**record, "plain": tf.ensure_shape(plain, [None])}

        return mapped(with_plain, records.batch(_RECORDS_IN_A_CALL)).unbatch()

    def _read(self, record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        encoded = record["image"]

        def in_python() -> tf.Tensor:
            image = tf.numpy_function(
                lambda encoded: decode_record(encoded, self.name), [encoded], tf.uint8
            )
            return tf.ensure_shape(image, [None, None, 3])

        image = decode_plain_or_nothing(tf.where(record["plain"], encoded, b""))
        image = tf.cond(tf.size(image) > 0, lambda: image, in_python)
        label = record["label"] if self._has_labels else 0
        return image[..., : self._raw_channels], tf.cast(label, tf.int32)


class ArrayRecordSource(NumberedSource, TfdsSource):
    """A dataset prepared as `array_record`: any record can be read, so none is skipped by reading.

    Each epoch is a permutation of all records. A resumed training reads no earlier ones.
    """

    def _open(self) -> None:
        import tensorflow_datasets as tfds

        try:
            self._serialized = self._builder.as_data_source(
                self._instruction, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
            )
        except ImportError as error:
            raise UserError(
                f"`dataset`={self.name} was prepared as array_record: pip install array_record"
            ) from error

    def _loaded(self, records: tf.data.Dataset) -> tf.data.Dataset:
        features = {"image": tf.io.FixedLenFeature([], tf.string)}
        if self._has_labels:
            features["label"] = tf.io.FixedLenFeature([], tf.int64)

        def read(numbers: np.ndarray) -> np.ndarray:
            return np.array(self._serialized.__getitems__(numbers.tolist()), object)

        def with_contents(index: tf.Tensor, numbers: tf.Tensor):
            serialized = tf.numpy_function(read, [numbers], tf.string)
            return index, tf.io.parse_example(tf.ensure_shape(serialized, [None]), features)

        contents = mapped(with_contents, records.batch(_RECORDS_IN_A_CALL)).unbatch()
        return super()._loaded(contents)


def _encoded_records(
    builder: "tfds.core.DatasetBuilder", instruction: Any, has_labels: bool
) -> tf.data.Dataset:
    """Records {"image": encoded bytes, "label": int64 if there are labels} in a fixed order."""
    import tensorflow_datasets as tfds

    features = {"image": True, "label": True} if has_labels else {"image": True}
    return builder.as_dataset(
        split=instruction,
        shuffle_files=False,
        decoders=tfds.decode.PartialDecoding(
            features, decoders={"image": tfds.decode.SkipDecoding()}
        ),
        read_config=tfds.ReadConfig(try_autocache=False, skip_prefetch=True),
    )


def _split_instruction(builder: "tfds.core.DatasetBuilder", split: str) -> str:
    """TFDS's name of a split, such as `validation` or `train[:27000]`.

    Raises:
        UserError: there is no such split.
    """
    # The labels of ImageNet's test split have never been published.
    candidates = ("validation",) if builder.name == "imagenet2012" else ("test", "validation")
    own_test = next((name for name in candidates if name in builder.info.splits), None)
    if "train" not in builder.info.splits and not (own_test and split == "test"):
        splits = ", ".join(builder.info.splits)
        raise UserError(f"`split`={split}: {builder.name} has no train split, only {splits}")
    if own_test:
        return {"train": "train", "test": own_test, "all": f"train+{own_test}"}[split]
    num_examples = builder.info.splits["train"].num_examples
    num_train = num_examples - max(1, num_examples // 10)
    return {"train": f"train[:{num_train}]", "test": f"train[{num_train}:]", "all": "train"}[split]
