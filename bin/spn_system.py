"""Subscale Pixel Networks behind the commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import likelihood_evaluation
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.errors import UsageError
from flag_values import from_values
from spn_tf.config import SPNConfig
from spn_tf.endpoints import endpoints
from spn_tf.given_pictures import accepted_sizes, known_targets, spread
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import upscaling_steps
from system import GivenPictures, System


class SPNSystem(System[SPNStage]):
    """`--system=spn`, in the stages of `--upscaling`."""

    evaluate = staticmethod(likelihood_evaluation.evaluate)
    endpoints = staticmethod(endpoints)

    def __init__(self, values: dict[str, Any]):
        v = values
        steps = upscaling_steps(v["upscaling"], v["bits"], v["coarse_bits"], v["scale"])
        self._steps = {step.name: step for step in steps}
        self.stage_names = list(self._steps)

    def make_stage(self, name: str, values: dict[str, Any]) -> SPNStage:
        v = values | {"coarse_bits": 0}  # which the step knows
        config = from_values(SPNConfig, v | {"height": v["image_size"], "width": v["image_size"]})
        training = from_values(SPNTrainingConfig, v | {"learning_rates": v["learning_rate"]})
        return self._steps[name].make(config, training)

    def given_pictures(
        self, stages: Sequence[SPNStage], folder: str, draws: int, bits: int | None
    ) -> "KnownPixels":
        return KnownPixels(stages, folder, draws, bits)


class KnownPixels(GivenPictures):
    """Small or low-bit pictures at their places in full images.

    Raises:
        UserError: a picture that cannot be read, or of a size that no stage takes.
        UsageError: nothing here upscales pictures, or not from these bits.
    """

    def __init__(self, stages: Sequence[SPNStage], folder: str, draws: int, given: int | None):
        c = stages[-1].config
        bits_by_side = {height: bits for (height, _), bits in accepted_sizes(stages).items()}
        if not bits_by_side:
            raise UsageError(
                "--from_images: a model of --scale=1 without depth upscaling upscales nothing"
            )
        pictures = read_pictures(folder, "--from_images", bits_by_side, c.channels)
        allowed = sorted({stage.config.bits for stage in stages})
        images, bits = [], []
        for picture in pictures:
            side = len(picture)
            most = [b for b in allowed if b < c.bits or side < c.height]
            if given is not None and given not in most:
                raise UsageError(
                    f"--given_bits={given}: of pictures of {side}x{side} pixels, the stages keep "
                    f"{' or '.join(map(str, most))} bits"
                )
            images.append(spread(picture[None], c.height, c.width)[0])
            bits.append(given or bits_by_side[side])
        self._stages = stages
        self._images, self._bits = np.repeat(images, draws, axis=0), np.repeat(bits, draws)
        self.count = len(self._bits)

    def of(self, numbers: np.ndarray) -> dict[str, Any]:
        return {"known": known_targets(self._stages, self._images[numbers], self._bits[numbers])}
