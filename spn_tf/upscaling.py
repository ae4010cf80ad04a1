"""Multidimensional upscaling: the stages in which an image grows (sections 2.3, 2.4; Figure 3 d-g).

none               spn
size               slice, size
depth              spn, depth
multidimensional   slice, size, depth
"""

import dataclasses
import itertools
from collections.abc import Sequence

from cascade_tf.errors import UsageError
from spn_tf.config import SPNConfig
from spn_tf.slice_stage import SliceStage
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

UPSCALINGS = ("none", "size", "depth", "multidimensional")


@dataclasses.dataclass(frozen=True)
class UpscalingStep:
    """One stage of an upscaling: what it is called, what it makes and what it is given."""

    name: str  # slice, size, spn, or depth (with its bits where there are several)
    bits: int
    coarse_bits: int = 0

    def make(self, config: SPNConfig, training: SPNTrainingConfig) -> SPNStage:
        """The stage, not yet built; of `config`, the bits are the step's own."""
        config = dataclasses.replace(config, bits=self.bits, coarse_bits=self.coarse_bits)
        if self.name == "slice":
            return SliceStage(self.name, config, training)
        return SPNStage(self.name, config, training, first_slice_given=self.name == "size")


def upscaling_steps(
    upscaling: str, bits: int, coarse_bits: Sequence[int], scale: int
) -> list[UpscalingStep]:
    """The steps from nothing to images of `bits` bits, in order.

    Args:
        upscaling: one of UPSCALINGS.
        bits: of the last stage.
        coarse_bits: of the stages before it, ascending; they count with depth upscaling only.
        scale: of the slices.

    Raises:
        UsageError: for values that cannot work together.
    """
    depths = [bits]
    if upscaling in ("depth", "multidimensional"):
        depths = [*coarse_bits, bits]
        ascending = all(a < b for a, b in itertools.pairwise(depths))
        if len(depths) < 2 or not ascending or depths[0] < 1 or bits > 8:
            raise UsageError(
                f"--coarse_bits={','.join(map(str, coarse_bits))} --bits={bits}: bits must "
                f"increase from stage to stage, from 1 at least to 8 at most"
            )
    if upscaling in ("size", "multidimensional"):
        if scale < 2:
            raise UsageError(f"--scale={scale}: --upscaling={upscaling} needs 2 at least")
        steps = [UpscalingStep("slice", depths[0]), UpscalingStep("size", depths[0])]
    else:
        steps = [UpscalingStep("spn", depths[0])]
    for before, after in itertools.pairwise(depths):
        name = "depth" if len(depths) == 2 else f"depth{after}"
        steps.append(UpscalingStep(name, after, coarse_bits=before))
    return steps
