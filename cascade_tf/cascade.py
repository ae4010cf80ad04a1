"""A cascade: stages sampled in order, each given what the one before it made."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from cascade_tf.stage import Stage


def sample_cascade(
    stages: Sequence[Stage],
    indices: tf.Tensor,
    seed: tf.Tensor,
    temperatures: Sequence[tf.Tensor],
    known: Sequence[tf.Tensor | None] | None = None,
    on_progress: Callable[[float, str], None] | None = None,
) -> list[tf.Tensor]:
    """Draws one image for each index, through all stages.

    Args:
        stages: coarsest first.
        indices: int64 [B]; equal index, seed and temperatures give equal draws.
        seed: int32 scalar.
        temperatures: float32 scalars, one for each stage.
        known: what is given of each stage's target, in the stage's own terms; or None.
        on_progress: called with the finished fraction of the work and the stage's name; eager
            calls only.

    Returns:
        Each stage's target, coarsest first; the last is the sample.
    """
    targets: list[tf.Tensor] = []
    for number, (stage, temperature) in enumerate(zip(stages, temperatures, strict=True)):
        report = None
        if on_progress is not None:

            def report(done: int, total: int, number: int = number, stage: Stage = stage) -> None:
                on_progress((number + done / total) / len(stages), stage.name)

        condition = targets[-1] if targets else None
        given = None if known is None else known[number]
        targets.append(stage.sample(indices, seed, temperature, condition, given, report))
    return targets
