"""Evaluation on a held-out split, example by example."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cascade_tf.data import Share, Source
from cascade_tf.errors import UserError
from cascade_tf.examples import Examples
from cascade_tf.strategies import distributed, gathered


class Evaluator:
    """Computes metrics of every example on all devices; reuse one, as it holds the compiled step.

    Args:
        evaluate_step: maps a batch to metrics by name, float32 [b], such as
            `Stage.evaluate_step`. Its variables were created under `strategy`.
        strategy: its replicas share each batch.

    >>> from cascade_tf.data import ArraySource
    >>> def brightness(examples):
    ...     return {"mean": tf.reduce_mean(tf.cast(examples.images, tf.float32), [1, 2, 3])}
    >>> evaluator = Evaluator(brightness, tf.distribute.get_strategy())
    >>> evaluator.evaluate(ArraySource(np.full([3, 8, 8, 1], 7, np.uint8)), batch_size=2)
    {'mean': array([7., 7., 7.], dtype=float32)}
    """

    def __init__(
        self,
        evaluate_step: Callable[[Examples], Mapping[str, tf.Tensor]],
        strategy: tf.distribute.Strategy,
    ):
        self._strategy = strategy

        @tf.function(autograph=False)
        def step(examples: Examples):
            return strategy.run(evaluate_step, (examples,))

        self._step = step

    def evaluate(
        self,
        source: Source,
        batch_size: int,
        limit: int | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Metrics of every example, float32 [N] by name, in the order of the split.

        Args:
            source: of the examples.
            batch_size: over all devices.
            limit: number of examples; None means all.
            on_batch: called after each batch with the number of examples in it.

        Raises:
            UserError: no image can be decoded.
        """

        def examples(size: int, share: Share) -> tf.data.Dataset:
            return source.evaluation_examples(size, limit, share)

        indices: list[np.ndarray] = []
        metrics: dict[str, list[np.ndarray]] = {}
        for batch in distributed(self._strategy, examples, batch_size):
            for name, value in self._step(batch).items():
                metrics.setdefault(name, []).append(gathered(self._strategy, value))
            indices.append(gathered(self._strategy, batch.indices))
            if on_batch is not None:
                on_batch(int((indices[-1] >= 0).sum()))
        places = np.concatenate(indices)
        order = np.argsort(places, kind="stable")[(places < 0).sum() :]  # -1 marks padding
        if not order.size:
            raise UserError("none of the images to evaluate on can be decoded")
        return {name: np.concatenate(parts)[order] for name, parts in metrics.items()}
