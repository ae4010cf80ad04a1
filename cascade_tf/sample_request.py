"""A request for samples: indices, seed, temperature, truncation, condition and labels."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

# Called after each of the `Stage.sampling_parts` of sampling.
OnProgress = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class SampleRequest:
    """A request for one sample for each index.

    Numbers and arrays are converted to tensors, so that new values do not retrace a tf.function.

    Attributes:
        indices: int64 [B]. Equal index, seed, temperature and truncation give equal samples in
            batches of equal size; in other batches, rounding may decide a near tie differently.
            An integer B stands for 0 to B - 1.
        seed: int32 scalar.
        temperature: float32 scalar that divides the logits of a likelihood model; None: 1.
        truncation: float32 scalar of a GAN's noise, 1 for no truncation; None: 1.
        truncation_kind: "scale" multiplies the noise by the truncation (not-so-BigGAN),
            "truncate" draws it from a normal truncated there (BigGAN); None: scale.
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
        """Raises ValueError if the request has an attribute that a stage cannot use.

        Args:
            accepted: names of the optional attributes that the stage uses.
            stage: its name.
        """
        for name in (*_SPREADS, "condition", "known", "labels"):
            if getattr(self, name) is not None and name not in accepted:
                raise ValueError(f"{name}: stage {stage} cannot use it; leave it out")


_SPREADS = ("temperature", "truncation", "truncation_kind")
