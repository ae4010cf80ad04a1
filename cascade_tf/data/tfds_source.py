"""Any image dataset of tensorflow-datasets, by its name there."""

import functools
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from absl import logging

from cascade_tf.data.config import DataConfig
from cascade_tf.data.lanes import LANES, in_turn
from cascade_tf.data.source import Share, Source
from cascade_tf.data.tfds_preparation import find_builder, prepare
from cascade_tf.errors import UserError

if TYPE_CHECKING:  # importing it takes a while, and only this source needs it
    import tensorflow_datasets as tfds

# Encoded records held for shuffling. TFDS has already shuffled them once while writing.
_SHUFFLE_BUFFER = 10_000


class TfdsSource(Source):
    """A split of a TFDS dataset that has an `image` and maybe a `label`.

    The test split is the dataset's own, or its validation split where the test split is missing
    or unlabelled, or else the last tenth of its train split (CelebA-HQ: 27,000 and 3,000). To
    start in the middle of an epoch is to read, without decoding, what lies before.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Finds the dataset, prepares it if need be, and takes `split` (train, test or all).

        Raises:
            UserError: there is no such dataset, it has no 8-bit images, or it cannot be prepared.
        """
        import tensorflow_datasets as tfds

        builder = find_builder(config.dataset, config.data_dir)
        features = dict(builder.info.features.items())
        image, label = features.get("image"), features.get("label")
        if not isinstance(image, tfds.features.Image) or np.dtype(image.np_dtype) != np.uint8:
            raise UserError(f"`dataset`={config.dataset}: this TFDS dataset has no 8-bit images")
        self._has_labels = isinstance(label, tfds.features.ClassLabel)
        self._raw_channels = 1 if image.shape[-1] == 1 else 3
        if builder.name == "imagenet_resized":
            logging.log_first_n(
                logging.WARNING,
                "imagenet_resized is shrunk by box averaging: an easier set than "
                "downsampled_imagenet, and not comparable with Table 1 of the SPN paper.",
                1,
            )
        prepare(builder, config.dataset)
        instruction = _split_instruction(builder, split)
        self._builder, self._instruction = builder, instruction
        self._records = _encoded_records(builder, instruction, self._has_labels)
        super().__init__(
            config,
            num_examples=builder.info.splits[instruction].num_examples,
            num_classes=label.num_classes if label is not None and self._has_labels else 1,
        )

    def fingerprint(self) -> str:
        """Of the dataset's name, version and split."""
        told = f"{self._builder.info.full_name} {self._instruction}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @functools.cached_property
    def _lanes(self) -> list[tf.data.Dataset]:
        """The records, cut where they are too many to be shuffled whole."""
        import tensorflow_datasets as tfds

        if self.num_examples <= _SHUFFLE_BUFFER:
            return [self._records]
        with tf.init_scope():  # and outlive the function that is being traced
            return [
                _encoded_records(self._builder, part, self._has_labels)
                for part in tfds.even_splits(self._instruction, LANES)
            ]

    def _ordered_records(self) -> tf.data.Dataset:
        return self._records

    def _epoch_records(self, epoch: tf.Tensor, share: Share) -> tf.data.Dataset:
        # tf.data mixes the graph's seed into the shuffle. A constant one, which reaches no
        # further than this traced function, keeps tf.random.set_seed out of the order.
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

    def _read(self, record: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(
            record["image"], channels=self._raw_channels, expand_animations=False
        )
        image.set_shape([None, None, self._raw_channels])
        label = record["label"] if self._has_labels else 0
        return image, tf.cast(label, tf.int32)


def _encoded_records(
    builder: "tfds.core.DatasetBuilder", instruction: Any, has_labels: bool
) -> tf.data.Dataset:
    """Records {"image": encoded bytes, and "label": int64 if it has labels} in a fixed order."""
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
    """TFDS's name for our split, such as `validation` or `train[:27000]`; UserError if none."""
    # The labels of ImageNet's test split have never been published.
    candidates = ("validation",) if builder.name == "imagenet2012" else ("test", "validation")
    own_test = next((name for name in candidates if name in builder.info.splits), None)
    if "train" not in builder.info.splits and not (own_test and split == "test"):
        found = ", ".join(builder.info.splits)
        raise UserError(f"`split`={split}: {builder.name} has no train split, only {found}")
    if own_test:
        return {"train": "train", "test": own_test, "all": f"train+{own_test}"}[split]
    num_examples = builder.info.splits["train"].num_examples
    num_train = num_examples - max(1, num_examples // 10)
    return {"train": f"train[:{num_train}]", "test": f"train[{num_train}:]", "all": "train"}[split]
