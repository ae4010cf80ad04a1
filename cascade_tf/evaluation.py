"""Evaluation on a held-out split, example by example."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cascade_tf.data import Share, Source
from cascade_tf.errors import UserError
from cascade_tf.examples import Examples
from cascade_tf.strategies import distributed, gathered


class Evaluator:
    """Computes figures on all devices; keep one, as it holds the compiled step.

    Args:
        evaluate_step: of a batch, to float32 [b] by name, such as `Stage.evaluate_step`.
        strategy: what `evaluate_step` uses was made under it.
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
        """Figures of every example, float32 [N] by name, in the order of the split.

        Args:
            source: of the examples.
            batch_size: on all devices together.
            limit: how many examples; None means all.
            on_batch: called after each batch with the number of examples in it.

        Raises:
            UserError: bad images are skipped, and there is no other.
        """

        def examples(size: int, share: Share) -> tf.data.Dataset:
            return source.evaluation_examples(size, limit, share)

        indices: list[np.ndarray] = []
        figures: dict[str, list[np.ndarray]] = {}
        for batch in distributed(self._strategy, examples, batch_size):
            for name, value in self._step(batch).items():
                figures.setdefault(name, []).append(gathered(self._strategy, value))
            indices.append(gathered(self._strategy, batch.indices))
            if on_batch is not None:
                on_batch(int((indices[-1] >= 0).sum()))
        of_all = np.concatenate(indices)
        order = np.argsort(of_all, kind="stable")[(of_all < 0).sum() :]
        if not order.size:
            raise UserError("none of the images to evaluate on can be decoded")
        return {name: np.concatenate(parts)[order] for name, parts in figures.items()}
