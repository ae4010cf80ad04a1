"""How a training is spread over devices (tf.distribute)."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.data import Share
from cascade_tf.errors import SettingError, UsageError, UserError
from cascade_tf.examples import Examples

STRATEGIES = ("auto", "single", "mirrored")
ALL_STRATEGIES = (*STRATEGIES, "multiworker", "tpu")  # the others are for training


def make_strategy(name: str, tpu: str = "") -> tf.distribute.Strategy:
    """The strategy of that name, one of `ALL_STRATEGIES`; several workers want it made early.

    `mirrored` takes every GPU, or every logical CPU device where there is no GPU; `multiworker`
    all devices of the machines that TF_CONFIG names, one process on each; `tpu` the cores of the
    TPU at the address `tpu`, or of this virtual machine where it is empty. `auto` is `multiworker`
    where TF_CONFIG names several workers, `mirrored` where there are several GPUs, and `single`
    elsewhere.

    Raises:
        UserError: TF_CONFIG cannot be used, or there is no such TPU.
    """
    count = _workers_of_tf_config() if name in ("auto", "multiworker") else 0
    if name == "multiworker" and not count:
        raise SettingError(
            {"strategy": name},
            "the environment variable TF_CONFIG must name the workers, as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}',
        )
    if name == "multiworker" or count > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy(tpu)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        # On CPUs, collectives of two strategies in one process can be taken for each other.
        reduction = None if gpus else tf.distribute.ReductionToOneDevice()
        return tf.distribute.MirroredStrategy([device.name for device in devices], reduction)
    return tf.distribute.get_strategy()


def _workers_of_tf_config() -> int:
    """How many processes TF_CONFIG names; 0 where there is none. Raises UsageError."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return 0
    try:
        told = json.loads(text)
        cluster, task = told["cluster"], told["task"]
        address = cluster[task["type"]][int(task["index"])]
        others = set(cluster) - {"chief", "worker"}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f'the environment variable TF_CONFIG is not JSON of "cluster" and "task", with '
            f"the task in the cluster ({type(error).__name__}: {error})"
        ) from error
    if others or not isinstance(address, str):
        raise UsageError(f'TF_CONFIG: use "chief" and "worker", not {", ".join(others)}')
    return sum(map(len, cluster.values()))


def _tpu_strategy(address: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(address or "local")
    except (tf.errors.OpError, ValueError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"`strategy`=tpu: no TPU at `tpu`={address or 'local'} ({reason})"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def described(strategy: tf.distribute.Strategy) -> str:
    """For people: the strategy's name, and how many devices share the work."""
    count = strategy.num_replicas_in_sync
    told = f"on {count} devices" if count > 1 else "on one device"
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return f"tpu, {told}"
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return f"multiworker, {told} of {workers(strategy)} workers"
    if isinstance(strategy, tf.distribute.MirroredStrategy):
        return f"mirrored, {told}"
    return f"single, {told}"


def workers(strategy: tf.distribute.Strategy) -> int:
    """The number of processes that train together."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 1
    spec = strategy.cluster_resolver.cluster_spec()
    return sum(len(spec.job_tasks(job)) for job in spec.jobs)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes checkpoints, logs and the progress."""
    return strategy.extended.should_checkpoint


def distributed(
    strategy: tf.distribute.Strategy,
    examples: Callable[[int, Share], tf.data.Dataset],
    batch_size: int,
) -> Iterable[Examples]:
    """Batches whose parts are on all replicas.

    Args:
        examples: of the size of a batch and a share of them, such as Source.training_examples.
        batch_size: of all replicas together, rounded up to a multiple of them.
    """
    size = -(-batch_size // strategy.num_replicas_in_sync)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = Share(context.input_pipeline_id, context.num_input_pipelines)
        # As many batches for each replica, whatever ends.
        of_all = size * (strategy.num_replicas_in_sync // context.num_input_pipelines)
        return examples(of_all, share).rebatch(size, drop_remainder=True)

    return strategy.distribute_datasets_from_function(of_worker)


def gathered(strategy: tf.distribute.Strategy, value: Any) -> np.ndarray:
    """The rows of a per-replica value [b, ...] of all replicas of all workers."""
    if workers(strategy) > 1:
        return strategy.gather(value, axis=0).numpy()
    return np.concatenate([part.numpy() for part in strategy.experimental_local_results(value)])


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
    replicas = strategy.num_replicas_in_sync // workers(strategy)  # others do the same work
    on_all = tf.function(lambda *of_all: strategy.run(function, of_all), autograph=False)

    def run(batches: tuple, others: tuple) -> tf.Tensor:
        if replicas == 1 or tf.inside_function():
            return function(*batches, *others)
        size = next(len(x) for x in batches if x is not None)

        def on_replicas(parts: tuple) -> tf.Tensor | None:
            if parts[0] is None:
                return None
            return strategy.experimental_distribute_values_from_function(
                lambda context: parts[context.replica_id_in_sync_group % replicas]
            )

        shares = zip(*even_parts(batches, size, replicas), strict=True)
        results = on_all(*map(on_replicas, shares), *others)
        return tf.concat(strategy.experimental_local_results(results), axis=0)[:size]

    return run


def even_parts(batches: tuple, size: int, count: int) -> list[tuple]:
    """A batch in `count` parts of one size; the last are filled up with the first examples.

    Args:
        batches: tensors [size, ...]; None may stand for one.
        size: how many examples they have.
        count: of the parts.
    """
    parts = tf.split(tf.range(-(-size // count) * count) % size, count)
    return [tuple(None if x is None else tf.gather(x, part) for x in batches) for part in parts]


def has_accelerators() -> bool:
    """Whether there are GPUs or TPU cores, which replicas then are."""
    return bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def cores_of_a_replica(strategy: tf.distribute.Strategy) -> int:
    """The CPU cores that each replica has to itself; 1 if it is a GPU or a TPU core."""
    if has_accelerators():
        return 1
    replicas = strategy.num_replicas_in_sync // workers(strategy)
    return max(1, (os.cpu_count() or 1) // replicas)
