"""not-so-BigGAN's decoders, wavelet and pixel, behind the commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import reconstruction_evaluation
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.pictures import resize_nearest
from flag_values import from_values
from system import GivenPictures, System
from wavelet_tf.config import NSBConfig
from wavelet_tf.decoder_stage import DecoderStage, PixelDecoderStage, WaveletDecoderStage, picture
from wavelet_tf.encoder import unit_range
from wavelet_tf.endpoints import endpoints
from wavelet_tf.training_config import DecoderTrainingConfig


class NSBSystem(System[DecoderStage]):
    """`--system=nsb` and `--system=nsb_pixel`: a stage for each doubling of the sides."""

    unused = ("temperature", "given_bits", "num_samples", "draws", "codecs")
    samples = False
    sampling_unit = "stages"
    evaluate = staticmethod(reconstruction_evaluation.evaluate)
    endpoints = staticmethod(endpoints)

    def __init__(self, values: dict[str, Any]):
        self._kind = {"nsb": WaveletDecoderStage, "nsb_pixel": PixelDecoderStage}[values["system"]]
        config = from_values(NSBConfig, values)
        self._levels = {f"to{config.size_of(n)}": n for n in range(1, config.levels + 1)}
        self.stage_names = list(self._levels)

    def make_stage(self, name: str, values: dict[str, Any]) -> DecoderStage:
        config = from_values(NSBConfig, values)
        training = from_values(
            DecoderTrainingConfig, values | {"learning_rates": values["learning_rate"]}
        )
        return self._kind(config, self._levels[name], training)

    def given_pictures(
        self, stages: Sequence[DecoderStage], folder: str, draws: int, bits: int | None
    ) -> "Encoded":
        return Encoded(stages, folder)


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
