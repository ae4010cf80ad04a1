"""not-so-BigGAN's decoders, wavelet and pixel, behind the commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import rich.table
import tensorflow as tf

import prior_likelihood
import reconstruction_evaluation
from cascade_tf.data import Source
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.pictures import resize_nearest
from cascade_tf.stage import Stage
from experiment_flags import PRIOR_STAGE
from flag_values import from_values
from priors import make_prior, value_range
from sample_evaluation import SampleEvaluation, Wanted
from system import GivenPictures, System
from wavelet_tf.config import NSBConfig
from wavelet_tf.decoder_stage import DecoderStage, PixelDecoderStage, WaveletDecoderStage, picture
from wavelet_tf.encoder import unit_range
from wavelet_tf.endpoints import decoders, endpoints
from wavelet_tf.latents import Latents
from wavelet_tf.training_config import DecoderTrainingConfig


class NSBSystem(System[Stage]):
    """`--system=nsb` and `nsb_pixel`: a stage for each doubling of the sides, after `--prior`'s."""

    sampling_unit = "stages"
    endpoints = staticmethod(endpoints)

    def __init__(self, values: dict[str, Any]):
        self.samples = values["prior"] != "none"
        self.compares_samples = self.samples
        self.truncates = values["prior"].startswith("biggan")
        self.unused = ["given_bits", "draws", "codecs"]
        if values["prior"] != "spn":
            self.unused += ["temperature"]
        if not self.samples:
            self.unused += ["num_samples"]
        self._kind = {"nsb": WaveletDecoderStage, "nsb_pixel": PixelDecoderStage}[values["system"]]
        config = from_values(NSBConfig, values)
        self._levels = {f"to{config.size_of(n)}": n for n in range(1, config.levels + 1)}
        self.stage_names = [PRIOR_STAGE] * self.samples + list(self._levels)

    def make_stage(self, name: str, values: dict[str, Any]) -> Stage:
        config = from_values(NSBConfig, values)
        if name == PRIOR_STAGE:
            return make_prior(self._latents(config, value_range(values)), values)
        training = from_values(
            DecoderTrainingConfig, values | {"learning_rates": values["learning_rate"]}
        )
        return self._kind(config, self._levels[name], training)

    def evaluate(
        self,
        exp: Any,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        codecs: bool,
        wanted: Wanted,
    ) -> tuple[dict, list[rich.table.Table]]:
        samples = None
        if self.samples:  # which refuses mistakes before anything is computed
            samples = SampleEvaluation(exp, strategy, source, total, wanted)
        results, table = reconstruction_evaluation.evaluate(exp, strategy, source, total)
        tables = [table]
        if self.samples and not self.truncates:
            results["prior"], table = prior_likelihood.evaluate(exp, strategy, source, total)
            tables.append(table)
        if samples is not None:
            results["samples"], more = samples.evaluate()
            tables += more
        return results, tables

    def _latents(self, config: NSBConfig, value_range: tuple[float, float] | None) -> Latents:
        encoder = self._kind(config, 1, DecoderTrainingConfig())
        return Latents(
            lambda images: encoder.pyramid(images)[0],
            config.latent_size,
            config.channels,
            encoder.condition_gain,
            value_range,
        )

    def given_pictures(
        self, stages: Sequence[Stage], folder: str, draws: int, bits: int | None
    ) -> "Encoded":
        return Encoded(decoders(stages), folder)


class Encoded(GivenPictures):
    """Pictures of full size, which are encoded, and small ones, which stand for their latents.

    Raises:
        UserError: a picture that cannot be read, or of another size.
    """

    def __init__(self, stages: Sequence[DecoderStage], folder: str):
        c, gain = stages[0].config, stages[0].condition_gain
        sides = (c.latent_size, c.image_size)
        pictures = read_pictures(folder, "--from_images", sides, c.channels)
        latents, shown = [], []
        for image in pictures:
            small = unit_range(image[None])
            encoded = stages[0].pyramid(small)[0] if len(image) == c.image_size else gain * small
            latents.append(encoded[0])
            shown.append(resize_nearest(image[None], c.image_size, c.image_size)[0])
        self._latents, self._shown, self._gain = np.stack(latents), np.stack(shown), gain
        self.count = len(latents)

    def of(self, numbers: np.ndarray) -> dict[str, Any]:
        return {"condition": self._latents[numbers]}

    def columns(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "given": self._shown[numbers],
            "latent": picture(self._latents[numbers], self._gain).numpy(),
        }
