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
        stages: built stages, coarsest first.
        request: `condition` is for the first stage. Each stage receives `temperature`,
            `truncation` and `labels` only if it accepts them.
        temperatures: float32 scalars, one for each stage; by default the request's for all.
        known: one for each stage, as SampleRequest.known.
        first_target: target of the first stage, which is then not sampled.

    Returns:
        The target of each stage, coarsest first; the last one is the sample.

    Raises:
        ValueError: the request has attributes that no stage can use.

    >>> class Doubling:  # stands for a built Stage
    ...     accepts = ("condition",)
    ...     def sample(self, request):
    ...         return request.indices if request.condition is None else 2 * request.condition
    >>> targets = sample_cascade([Doubling(), Doubling()], SampleRequest(2))
    >>> [target.numpy().tolist() for target in targets]
    [[0, 1], [0, 2]]
    """
    require_usable(stages, request)
    targets: list[tf.Tensor] = []
    condition = request.condition
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
                labels=request.labels if "labels" in accepted else None,
            )
            condition = stage.sample(own)
        targets.append(condition)
    return targets


def require_usable(stages: Sequence[Stage], request: SampleRequest) -> None:
    """Raises ValueError if a request has a temperature, truncation or labels that no stage can use.

    Args:
        stages: of a cascade.
        request: for `sample_cascade`.
    """
    for name in ("temperature", "truncation", "truncation_kind", "labels"):
        if getattr(request, name) is not None and not any(name in s.accepts for s in stages):
            raise ValueError(f"{name}: none of the stages can use it; leave it out")
