"""How a training is spread over devices (tf.distribute)."""

import tensorflow as tf

STRATEGIES = ("auto", "single", "mirrored")


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of that name, one of `STRATEGIES`.

    `auto` is `mirrored` where there are several GPUs, and `single` elsewhere. `mirrored` takes
    every GPU, or every logical CPU device where there is no GPU.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        # On CPUs, collectives of two strategies in one process can be taken for each other.
        reduction = None if gpus else tf.distribute.ReductionToOneDevice()
        return tf.distribute.MirroredStrategy([device.name for device in devices], reduction)
    return tf.distribute.get_strategy()
