"""Division of sequential records into lanes, so that several machines can share the reading."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.data.source import Share

# An epoch takes one record of each lane in turn, so 2, 3, 4, 6, 8, 12 or 24 machines read whole
# lanes.
LANES = 24


def in_turn(lanes: Sequence[tf.data.Dataset], share: Share, num_examples: int) -> tf.data.Dataset:
    """A share of the records of one epoch, taken from the lanes in turn.

    If `share.of` divides the number of lanes, only the lanes of the share are read; otherwise all.

    Args:
        lanes: datasets that together form the epoch, equally long except that the first few may
            have one more record.
        share: of the epoch's records.
        num_examples: records in all lanes.

    >>> lanes = [tf.data.Dataset.range(start, 5, 2) for start in (0, 1)]
    >>> [int(record) for record in in_turn(lanes, Share(1, 2), 5)]
    [1, 3]
    """
    count = len(lanes)
    of = share.of if count % share.of == 0 else 1
    positions = tf.data.Dataset.range(share.number % of, num_examples, of)
    records = tf.data.Dataset.choose_from_datasets(
        list(lanes), positions.map(lambda position: position % count), stop_on_empty_dataset=False
    )
    return records if of == share.of else records.shard(share.of, share.number)
