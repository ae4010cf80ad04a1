"""Distribution of work over devices (tf.distribute)."""

import contextlib
import contextvars
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.data import Share
from cascade_tf.errors import SettingError, UsageError, UserError
from cascade_tf.examples import Examples

_assumed = contextvars.ContextVar("assumed", default="")  # a platform
_LONG_WAIT = 15.0  # seconds


def make_strategy(name: str, tpu: str = "") -> tf.distribute.Strategy:
    """Creates a strategy; with several workers, before any other use of TensorFlow.

    Args:
        name: one of ALL_STRATEGIES. `single` is the current strategy, by default one device.
            `mirrored` uses all GPUs, or all logical CPU devices if there is no GPU. `multiworker`
            uses all devices of the machines in TF_CONFIG, with one process on each. `tpu` uses all
            cores of a TPU. `auto` is `multiworker` if TF_CONFIG names several workers, else
            `mirrored` if there are several GPUs, else `single`.
        tpu: address of the TPU; empty: the TPU of this virtual machine.

    Raises:
        SettingError: `multiworker` without TF_CONFIG.
        UserError: TF_CONFIG is invalid, or there is no such TPU.

    >>> described(make_strategy("single"))
    'single, on one device'
    """
    addresses = _workers_of_tf_config() if name in ("auto", "multiworker") else []
    if name == "multiworker" and not addresses:
        raise SettingError(
            {"strategy": name},
            "the environment variable TF_CONFIG must name the workers, as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}',
        )
    if name == "multiworker" or len(addresses) > 1:
        with _long_wait_reported(addresses):
            return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy(tpu)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        # On CPUs, collectives of two strategies in one process may be confused with each other.
        reduction = None if gpus else tf.distribute.ReductionToOneDevice()
        return tf.distribute.MirroredStrategy([device.name for device in devices], reduction)
    return tf.distribute.get_strategy()


def _workers_of_tf_config() -> list[str]:
    """Addresses of the processes in TF_CONFIG, this one's first; raises UsageError.

    Empty if TF_CONFIG is not set.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return []
    try:
        config = json.loads(text)
        if config == {}:
            return []
        cluster, task = config["cluster"], config["task"]
        address = cluster[task["type"]][int(task["index"])]
        others = set(cluster) - {"chief", "worker"}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f'the environment variable TF_CONFIG is not JSON of "cluster" and "task", with '
            f"the task in the cluster ({type(error).__name__}: {error})"
        ) from error
    if others or not isinstance(address, str):
        raise UsageError(f'TF_CONFIG: use "chief" and "worker", not {", ".join(others)}')
    all_addresses = [each for job in sorted(cluster) for each in cluster[job]]
    return [address, *(each for each in all_addresses if each != address)]


@contextlib.contextmanager
def _long_wait_reported(addresses: list[str]) -> Iterator[None]:
    """Names the other workers on stderr if this one still waits for them after some seconds.

    TensorFlow waits in native code, without letting other threads of Python run. So another
    process writes the line.
    """
    own, *others = addresses
    line = f"worker {own} waits for all workers of TF_CONFIG to be started: {', '.join(others)}"
    program = "import sys, time; time.sleep(float(sys.argv[1])); print(sys.argv[2])"
    command = [sys.executable, "-S", "-c", program, str(_LONG_WAIT), line]
    process = subprocess.Popen(command, stdout=2, start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


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
    """Name of the strategy and number of its devices, in words."""
    count = strategy.num_replicas_in_sync
    devices = f"on {count} devices" if count > 1 else "on one device"
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return f"tpu, {devices}"
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return f"multiworker, {devices} of {workers(strategy)} workers"
    if isinstance(strategy, tf.distribute.MirroredStrategy):
        return f"mirrored, {devices}"
    return f"single, {devices}"


def workers(strategy: tf.distribute.Strategy) -> int:
    """Number of processes that train together.

    >>> workers(tf.distribute.get_strategy())
    1
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 1
    spec = strategy.cluster_resolver.cluster_spec()
    return sum(len(spec.job_tasks(job)) for job in spec.jobs)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes checkpoints, logs and progress for all workers."""
    return strategy.extended.should_checkpoint


def distributed(
    strategy: tf.distribute.Strategy,
    examples: Callable[[int, Share], tf.data.Dataset],
    batch_size: int,
) -> Iterable[Examples]:
    """Batches distributed over the replicas.

    Args:
        strategy: of the replicas.
        examples: maps a batch size and a share of the examples to a dataset of `Examples`, as
            `Source.training_examples` does.
        batch_size: over all replicas, rounded up to a multiple of their number.

    Returns:
        A distributed dataset of `Examples` with per-replica values.

    >>> from cascade_tf.data import ArraySource
    >>> source = ArraySource(np.zeros([5, 8, 8, 1], np.uint8))
    >>> strategy = tf.distribute.get_strategy()
    >>> def examples(size, share):
    ...     return source.evaluation_examples(size, share=share)
    >>> [gathered(strategy, batch.indices).tolist() for batch in distributed(strategy, examples, 3)]
    [[0, 1, 2], [3, 4, -1]]
    """
    size = -(-batch_size // strategy.num_replicas_in_sync)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = Share(context.input_pipeline_id, context.num_input_pipelines)
        # Whole batches of a worker, so that all its replicas get equally many.
        worker_batch = size * (strategy.num_replicas_in_sync // context.num_input_pipelines)
        return examples(worker_batch, share).rebatch(size, drop_remainder=True)

    return strategy.distribute_datasets_from_function(of_worker)


def gathered(strategy: tf.distribute.Strategy, value: Any) -> np.ndarray:
    """Concatenates a per-replica value [b, ...] over all replicas of all workers."""
    if workers(strategy) > 1:
        return strategy.gather(value, axis=0).numpy()
    return np.concatenate([part.numpy() for part in strategy.experimental_local_results(value)])


def run_on_replicas(
    function: Callable[..., tf.Tensor], strategy: tf.distribute.Strategy
) -> Callable[[tuple, tuple], tf.Tensor]:
    """Wraps a function so that its batch is divided evenly among the replicas.

    Args:
        function: maps tensors [B, ...], followed by other arguments, to a tensor [B, ...]. The
            result of an example must not depend on the rest of the batch.
        strategy: under which the variables of `function` were created.

    Returns:
        A function of two tuples: the tensors, some of which may be None, and the other arguments.
        Within a graph, which belongs to one device, it calls `function` directly.

    >>> double = run_on_replicas(lambda x, factor: factor * x, tf.distribute.get_strategy())
    >>> double((tf.constant([1, 2]),), (2,)).numpy().tolist()
    [2, 4]
    """
    replicas = strategy.num_replicas_in_sync // workers(strategy)  # of this worker
    on_all = tf.function(lambda *arguments: strategy.run(function, arguments), autograph=False)

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
    """Splits a batch into `count` parts of equal size, padded with its first examples.

    Args:
        batches: tensors [size, ...], or None.
        size: number of examples.
        count: number of parts.

    >>> [part.numpy().tolist() for (part,) in even_parts((tf.constant([5, 6, 7]),), 3, 2)]
    [[5, 6], [7, 5]]
    """
    parts = tf.split(tf.range(-(-size // count) * count) % size, count)
    return [tuple(None if x is None else tf.gather(x, part) for x in batches) for part in parts]


@contextlib.contextmanager
def accelerators_assumed(platform: str) -> Iterator[None]:
    """While it lasts, programs are traced as for a "GPU" or "TPU", which need not be there."""
    token = _assumed.set(platform)
    try:
        yield
    finally:
        _assumed.reset(token)


def has_accelerators() -> bool:
    """Whether there are GPUs or TPU cores, on which replicas then run."""
    return _has("GPU") or has_tpus()


def has_tpus() -> bool:
    """Whether there are TPU cores, on which replicas then run."""
    return _has("TPU")


def _has(platform: str) -> bool:
    assumed = _assumed.get()
    return assumed == platform if assumed else bool(tf.config.list_logical_devices(platform))


def set_intra_op_threads(threads: int) -> None:
    """Sets the number of CPU threads that share one operation, unless TensorFlow has started.

    Args:
        threads: 0: as many as there are cores.
    """
    with contextlib.suppress(RuntimeError):  # it has
        tf.config.threading.set_intra_op_parallelism_threads(threads)


def cores_of_a_replica(strategy: tf.distribute.Strategy) -> int:
    """Number of CPU cores of each replica; 1 if replicas run on GPUs or TPU cores."""
    if has_accelerators():
        return 1
    replicas = strategy.num_replicas_in_sync // workers(strategy)
    return max(1, (os.cpu_count() or 1) // replicas)
