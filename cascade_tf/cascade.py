"""A cascade: stages sampled in order, each conditioned on the target of the one before it."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage


def sample_cascade(
    stages: Sequence[Stage],
    request: SampleRequest,
    temperatures: Sequence[tf.Tensor] | None = None,
    known: Sequence[tf.Tensor | None] | None = None,
    first_target: tf.Tensor | None = None,
) -> list[tf.Tensor]:
    """Draws one image for each index, through all stages.

    Args:
        stages: coarsest first.
        request: `condition` and `labels` are for the first stage; each stage takes the
            temperature or the truncation that it knows.
        temperatures: float32 scalars, one for each stage; by default the request's for all.
        known: given parts of each stage's target, in the stage's own terms; or None.
        first_target: the first stage's target, computed elsewhere; nothing is drawn for it.

    Returns:
        Each stage's target, coarsest first; the last is the sample.

    Raises:
        ValueError: the request has parts that the stages cannot use.
    """
    for name in ("temperature", "truncation", "truncation_kind"):
        if getattr(request, name) is not None and not any(name in s.accepts for s in stages):
            raise ValueError(f"{name}: none of the stages can use it; leave it out")
    targets: list[tf.Tensor] = []
    condition, labels = request.condition, request.labels
    for number, stage in enumerate(stages):
        if number == 0 and first_target is not None:
            condition = first_target
        else:
            temperature = request.temperature if temperatures is None else temperatures[number]
            accepted = stage.accepts
            own = dataclasses.replace(
                request,
                temperature=temperature if "temperature" in accepted else None,
                truncation=request.truncation if "truncation" in accepted else None,
                truncation_kind=request.truncation_kind if "truncation" in accepted else None,
                condition=condition,
                known=None if known is None else known[number],
                labels=labels,
            )
            condition = stage.sample(own)
        targets.append(condition)
        labels = None
    return targets
