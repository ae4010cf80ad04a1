"""Image datasets of tensorflow-datasets (TFDS)."""

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

if TYPE_CHECKING:  # a slow import, which only this source needs
    import tensorflow_datasets as tfds

# Encoded records in the shuffle buffer. TFDS also shuffled them once, when writing.
_SHUFFLE_BUFFER = 10_000


class TfdsSource(Source):
    """A split of a TFDS dataset with the feature `image` and perhaps `label`.

    The test split is the dataset's own, or its validation split if the test split is missing or
    unlabelled. If both are missing, it is the last tenth of the train split (CelebA-HQ: 27,000 and
    3,000). Starting in the middle of an epoch reads all earlier records of it without decoding.
    """

    def __init__(self, config: DataConfig, split: str) -> None:
        """Opens `split` (train, test or all), after preparing the dataset if necessary.

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
                "imagenet_resized is downsampled by box averaging. It is easier than "
                "downsampled_imagenet and not comparable with Table 1 of the SPN paper.",
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
