"""Multidimensional upscaling: stages that grow an image (sections 2.3, 2.4; Figure 3 d-g).

none               spn
size               slice, size
depth              spn, depth
multidimensional   slice, size, depth
"""

import dataclasses
import itertools

from cascade_tf.errors import SettingError
from cascade_tf.settings import Settings, setting
from spn_tf.config import SPNConfig

UPSCALINGS = ("none", "size", "depth", "multidimensional")


@dataclasses.dataclass(frozen=True)
class UpscalingConfig(Settings):
    """The stages of a cascade.

    Attributes:
        coarse_bits: bit depths of the stages before the last, ascending. Only depth upscaling
            uses them.

    Raises:
        SettingError: an unknown upscaling.

    >>> [step.name for step in UpscalingConfig("multidimensional").steps(bits=8, scale=4)]
    ['slice', 'size', 'depth']
    """

    upscaling: str = setting(
        "none",
        "Stages in which an image grows (SPN paper, Figure 3).",
        decides="model",
        choices=UPSCALINGS,
        whole=True,
        group="model",
    )
    coarse_bits: tuple[int, ...] = setting(
        (3,),
        "Bit depths before depth upscaling, ascending: 3, or 1,3 for two depth stages.",
        decides="model",
        whole=True,
    )

    def steps(self, bits: int, scale: int) -> "list[UpscalingStep]":
        """The steps of the upscaling, in order, up to images of `bits` bits.

        Args:
            bits: bit depth of the last stage.
            scale: subscale factor of the slices.

        Raises:
            SettingError: for values that cannot work together.
        """
        depths = [bits]
        if self.upscaling in ("depth", "multidimensional"):
            depths = [*self.coarse_bits, bits]
            ascending = all(a < b for a, b in itertools.pairwise(depths))
            if len(depths) < 2 or not ascending or depths[0] < 1 or bits > 8:
                raise SettingError(
                    {"coarse_bits": self.coarse_bits, "bits": bits},
                    "bits must increase from stage to stage, from 1 at least to 8 at most",
                )
        if self.upscaling in ("size", "multidimensional"):
            if scale < 2:
                raise SettingError(
                    {"scale": scale, "upscaling": self.upscaling}, "use a scale of 2 or more"
                )
            steps = [UpscalingStep("slice", depths[0]), UpscalingStep("size", depths[0])]
        else:
            steps = [UpscalingStep("spn", depths[0])]
        for before, after in itertools.pairwise(depths):
            name = "depth" if len(depths) == 2 else f"depth{after}"
            steps.append(UpscalingStep(name, after, coarse_bits=before))
        return steps


@dataclasses.dataclass(frozen=True)
class UpscalingStep:
    """One stage of an upscaling.

    Attributes:
        name: spn, slice, size or depth; depth3 and so on where there are several.
        bits: bit depth of its target.
        coarse_bits: bit depth of the coarse image that it is conditioned on; 0: none.
    """

    name: str
    bits: int
    coarse_bits: int = 0

    def config(self, config: SPNConfig) -> SPNConfig:
        """The config of the step's network, from that of the whole cascade.

        >>> UpscalingStep("depth", bits=8, coarse_bits=3).config(SPNConfig()).classes
        32
        """
        return dataclasses.replace(config, bits=self.bits, coarse_bits=self.coarse_bits)
