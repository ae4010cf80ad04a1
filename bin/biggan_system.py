"""BigGAN of whole images, the paper's baseline, behind the commands."""

from collections.abc import Sequence
from typing import Any

import rich.table
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.errors import UsageError
from cascade_tf.saved_model import Endpoint
from priors import make_gan
from sample_evaluation import SampleEvaluation, Wanted
from system import GivenPictures, System
from wavelet_tf.endpoints import sampling_endpoint
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents


class BigGANSystem(System[GANStage]):
    """`--system=biggan`: one stage, which makes images in pixels."""

    unused = ("temperature", "from_images", "given_bits", "draws", "codecs")
    sampling_unit = "batches"
    truncates = True
    compares_samples = True

    def __init__(self, values: dict[str, Any]):
        self.stage_names = ["gan"]

    def make_stage(self, name: str, values: dict[str, Any]) -> GANStage:
        v = values
        pixels = Latents(lambda images: images, v["image_size"], v["channels"], 1, (0.0, 1.0))
        return make_gan(name, v["architecture"], pixels, v)

    def evaluate(
        self,
        exp: Any,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        codecs: bool,
        wanted: Wanted,
    ) -> tuple[dict, list[rich.table.Table]]:
        evaluation = SampleEvaluation(exp, strategy, source, total, wanted)
        return evaluation.evaluate()

    def given_pictures(
        self, stages: Sequence[GANStage], folder: str, draws: int, bits: int | None
    ) -> GivenPictures:
        raise UsageError("--from_images means nothing to --system=biggan")

    def endpoints(self, stages: Sequence[GANStage]) -> dict[str, Endpoint]:
        return sampling_endpoint(stages)
