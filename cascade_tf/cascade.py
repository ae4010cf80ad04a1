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
    condition: tf.Tensor | None = None,
    labels: tf.Tensor | None = None,
) -> list[tf.Tensor]:
    """Draws one image for each index, through all stages.

    Args:
        stages: coarsest first.
        indices: int64 [B]; equal index, seed and temperatures give equal draws.
        seed: int32 scalar.
        temperatures: float32 scalars, one for each stage.
        known: what is given of each stage's target, in the stage's own terms; or None.
        on_progress: called `sampling_parts` times for each stage; eager calls only.
        condition: what the first stage is given, where it needs something.
        labels: int32 [B], the classes wanted, for stages that know classes.

    Returns:
        Each stage's target, coarsest first; the last is the sample.
    """
    targets: list[tf.Tensor] = []
    for number, (stage, temperature) in enumerate(zip(stages, temperatures, strict=True)):
        given = None if known is None else known[number]
        condition = stage.sample(indices, seed, temperature, condition, given, on_progress, labels)
        targets.append(condition)
    return targets
