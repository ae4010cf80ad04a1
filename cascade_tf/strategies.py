"""How a training is spread over devices (tf.distribute)."""

from collections.abc import Callable

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


def run_on_replicas(
    function: Callable[..., tf.Tensor], strategy: tf.distribute.Strategy
) -> Callable[[tuple, tuple], tf.Tensor]:
    """`function`, its batch spread evenly over the replicas.

    Args:
        function: of tensors [B, ...] and of others; returns a tensor [B, ...]. Each example's part
            of it must not depend on the rest of the batch.
        strategy: what `function` uses was made under it.

    Returns:
        A function of the two, as tuples; None may stand for a tensor of a batch. Within a graph,
        which belongs to one device, it is `function`.
    """
    replicas = strategy.num_replicas_in_sync
    on_all = tf.function(lambda *arguments: strategy.run(function, arguments))

    def run(batches: tuple, others: tuple) -> tf.Tensor:
        if replicas == 1 or tf.inside_function():
            return function(*batches, *others)
        count = next(len(x) for x in batches if x is not None)
        shares = tf.split(tf.range(-(-count // replicas) * replicas) % count, replicas)

        def share_of(x: tf.Tensor | None) -> tf.Tensor | None:
            if x is None:
                return None
            parts = [tf.gather(x, share) for share in shares]
            return strategy.experimental_distribute_values_from_function(
                lambda context: parts[context.replica_id_in_sync_group]
            )

        results = on_all(*map(share_of, batches), *others)
        return tf.concat(strategy.experimental_local_results(results), axis=0)[:count]

    return run
