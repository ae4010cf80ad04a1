"""A request for samples: what to draw, and how far draws spread."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

# Called after each part of the work that a stage counts for itself.
OnProgress = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class SampleRequest:
    """One sample for each index. Numbers and arrays become tensors, so that none is a new program.

    Attributes:
        indices: int64 [B]; equal index, seed and spread give equal draws, in batches of one size
            (in others, rounding may tip a near tie). An integer B stands for 0 to B - 1.
        seed: int32 scalar.
        temperature: float32 scalar that divides the logits of a likelihood model; None: 1.
        truncation: float32 scalar of a GAN's noise, 1 for all of it; None: 1.
        truncation_kind: "scale" multiplies the noise by the truncation (not-so-BigGAN),
            "truncate" draws it from a normal that is cut off there (BigGAN); None: scale.
        condition: target of the stage before; None for the first stage.
        known: parts of the target that are given and kept, in the stage's own terms.
        labels: int32 [B], wanted classes; None: drawn at random.
        on_progress: called `sampling_parts` times by each stage; eager calls only.

    >>> SampleRequest(2, seed=7).indices.numpy().tolist()
    [0, 1]
    """

    indices: Any
    seed: Any = 0
    temperature: Any = None
    truncation: Any = None
    truncation_kind: str | None = None
    condition: tf.Tensor | None = None
    known: tf.Tensor | None = None
    labels: Any = None
    on_progress: OnProgress | None = None

    def __post_init__(self) -> None:
        indices = self.indices
        if isinstance(indices, int | np.integer):
            indices = range(int(indices))
        if isinstance(indices, Sequence):
            indices = np.asarray(indices, np.int64)
        dtypes = {"seed": tf.int32, "temperature": tf.float32, "truncation": tf.float32}
        tensors = {"indices": tf.convert_to_tensor(indices, tf.int64)}
        for name, dtype in {**dtypes, "labels": tf.int32}.items():
            value = getattr(self, name)
            if value is not None:
                tensors[name] = tf.convert_to_tensor(value, dtype)
        for name, tensor in tensors.items():
            object.__setattr__(self, name, tensor)

    def replace(self, **changes: Any) -> "SampleRequest":
        """The same request with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def require_only(self, accepted: Collection[str], stage: str) -> None:
        """Raises ValueError if the request has what a stage cannot take into account.

        Args:
            accepted: names of the optional attributes that the stage uses.
            stage: its name.
        """
        for name in (*_SPREADS, "condition", "known", "labels"):
            if getattr(self, name) is not None and name not in accepted:
                raise ValueError(f"{name}: stage {stage} cannot use it; leave it out")


_SPREADS = ("temperature", "truncation", "truncation_kind")
