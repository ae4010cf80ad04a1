"""A cascade: stages sampled in order, each given what the one before it made."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.stage import OnProgress, Stage


def sample_cascade(
    stages: Sequence[Stage],
    indices: tf.Tensor,
    seed: tf.Tensor,
    temperatures: Sequence[tf.Tensor],
    known: Sequence[tf.Tensor | None] | None = None,
    on_progress: OnProgress | None = None,
) -> list[tf.Tensor]:
    """Draws one image for each index, through all stages.

    Args:
        stages: coarsest first.
        indices: int64 [B]; equal index, seed and temperatures give equal draws.
        seed: int32 scalar.
        temperatures: float32 scalars, one for each stage.
        known: what is given of each stage's target, in the stage's own terms; or None.
        on_progress: called `sampling_parts` times for each stage; eager calls only.

    Returns:
        Each stage's target, coarsest first; the last is the sample.
    """
    targets: list[tf.Tensor] = []
    for number, (stage, temperature) in enumerate(zip(stages, temperatures, strict=True)):
        condition = targets[-1] if targets else None
        given = None if known is None else known[number]
        targets.append(stage.sample(indices, seed, temperature, condition, given, on_progress))
    return targets
