"""A request for samples: indices, seed, temperature, truncation, condition and labels."""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.choices import TRUNCATION_KINDS
from cascade_tf.tensors import integers, spread

# Called after each of the `Stage.sampling_parts` of sampling.
OnProgress = Callable[[], None]


@dataclasses.dataclass(frozen=True, eq=False)
class SampleRequest:
    """A request for one sample for each index.

    Numbers and arrays are converted to tensors, so that new values do not retrace a tf.function.

    Attributes:
        indices: int64 [B]. Equal index, seed, temperature and truncation give equal samples in
            batches of equal size; in other batches, rounding may decide a near tie differently.
            An integer B stands for 0 to B - 1.
        seed: int32 scalar.
        temperature: float32 scalar that divides the logits of a likelihood model; None: 1.
        truncation: float32 scalar of a GAN's noise; None: 1.
        truncation_kind: "scale" multiplies the noise by the truncation (not-so-BigGAN), so that 1
            is no truncation. "truncate" draws it from a normal truncated there (BigGAN), so that 1
            leaves out a third. None: scale.
        condition: target of the previous stage; None for the first stage.
        known: parts of the target to keep, in the representation of the stage.
        labels: int32 [B], classes; None: drawn at random.
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
        if self.truncation_kind not in (None, *TRUNCATION_KINDS):
            raise ValueError(f"truncation_kind={self.truncation_kind!r}: use scale or truncate")
        indices = self.indices
        if isinstance(indices, int | np.integer) and not isinstance(indices, bool):
            if indices < 0:
                raise ValueError(f"indices={indices}: use a number of samples from 0 up")
            indices = range(int(indices))
        self._set("indices", integers("indices", indices, tf.int64))
        self._set("seed", integers("seed", self.seed, tf.int32))
        if self.labels is not None:
            self._set("labels", integers("labels", self.labels, tf.int32))
        for name in ("temperature", "truncation"):
            if getattr(self, name) is not None:
                self._set(name, spread(name, getattr(self, name)))

    def _set(self, name: str, tensor: tf.Tensor) -> None:
        object.__setattr__(self, name, tensor)

    def replace(self, **changes: Any) -> "SampleRequest":
        """The same request with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def require_only(self, accepted: Collection[str], stage: str) -> None:
        """Raises ValueError if the request has an attribute that a stage cannot use.

        Args:
            accepted: names of the optional attributes that the stage uses.
            stage: its name.
        """
        for name in (*_SPREADS, "condition", "known", "labels"):
            if getattr(self, name) is not None and name not in accepted:
                raise ValueError(f"{name}: stage {stage} cannot use it; leave it out")


_SPREADS = ("temperature", "truncation", "truncation_kind")
