"""Evaluation on a held-out split, example by example."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples


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

        @tf.function
        def step(examples: Examples):
            return strategy.run(evaluate_step, (examples,))

        self._step = step

    def evaluate(
        self, examples: tf.data.Dataset, on_batch: Callable[[int], None] | None = None
    ) -> dict[str, np.ndarray]:
        """Figures of every example, float32 [N] by name, in the order of the split.

        Args:
            examples: from `Source.evaluation_examples`; rows of index -1 are left out.
            on_batch: called after each batch with the number of examples in it.
        """
        indices: list[np.ndarray] = []
        figures: dict[str, list[np.ndarray]] = {}
        for batch in self._strategy.experimental_distribute_dataset(examples):
            for name, value in self._step(batch).items():
                figures.setdefault(name, []).append(self._gather(value))
            indices.append(self._gather(batch.indices))
            if on_batch is not None:
                on_batch(int((indices[-1] >= 0).sum()))
        real = np.concatenate(indices) >= 0
        return {name: np.concatenate(parts)[real] for name, parts in figures.items()}

    def _gather(self, value: tf.types.experimental.TensorLike) -> np.ndarray:
        """All replicas' rows, in the order of the global batch."""
        local = self._strategy.experimental_local_results(value)
        return np.concatenate([part.numpy() for part in local])
