"""Records that are read in a row, laid out so that several machines share the reading."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.data.source import Share

# An epoch takes one record of each lane in turn: 2, 3, 4, 6, 8, 12 or 24 machines read whole lanes.
LANES = 24


def in_turn(lanes: Sequence[tf.data.Dataset], share: Share, num_examples: int) -> tf.data.Dataset:
    """A share of the records of one epoch; it reads no lane that it takes nothing of.

    Args:
        lanes: datasets that make up the epoch, of equally many records, but that the first ones may
            have one more than the others.
        share: of the epoch's records. Where its `of` does not divide the number of lanes, all are
            read, and some taken.
        num_examples: records in all lanes.
    """
    count = len(lanes)
    of = share.of if count % share.of == 0 else 1
    positions = tf.data.Dataset.range(share.number % of, num_examples, of)
    records = tf.data.Dataset.choose_from_datasets(
        list(lanes), positions.map(lambda position: position % count), stop_on_empty_dataset=False
    )
    return records if of == share.of else records.shard(share.of, share.number)
