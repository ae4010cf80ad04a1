"""Stages that make images of nothing for the wavelet family, from values of flags."""

import math
from typing import Any

from cascade_tf.errors import UsageError
from cascade_tf.stage import Stage
from experiment_flags import PRIOR_STAGE
from flag_values import from_values
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents
from wavelet_tf.quantized_prior import QuantizedPrior
from wavelet_tf.training_config import GANTrainingConfig


def make_gan(name: str, architecture: str, latents: Latents, values: dict[str, Any]) -> GANStage:
    """A GAN that makes latents; raises UsageError."""
    own = {key.removeprefix("gan_"): x for key, x in values.items()}
    v = values | {key: own[key] for key in own if f"gan_{key}" in values}
    config = from_values(
        BigGANConfig,
        v | {"size": latents.size, "classes": v["num_classes"], "architecture": architecture},
    )
    training = from_values(GANTrainingConfig, v | {"learning_rates": v["learning_rate"]})
    return GANStage(name, config, latents, training)


def make_prior(latents: Latents, values: dict[str, Any]) -> Stage:
    """The stage `--prior` of not-so-BigGAN; raises UsageError."""
    v = values
    if v["prior"] != "spn":
        return make_gan(PRIOR_STAGE, v["prior"], latents, v)
    sides = {"height": latents.size, "width": latents.size, "channels": latents.channels}
    config = from_values(SPNConfig, v | sides | {"coarse_bits": 0})
    training = from_values(SPNTrainingConfig, v | {"learning_rates": v["learning_rate"]})
    return QuantizedPrior(SPNStage(PRIOR_STAGE, config, training), latents, config.bits)


def value_range(values: dict[str, Any]) -> tuple[float, float] | None:
    """`--latent_range`; None: of the data. Raises UsageError."""
    given = values["latent_range"]
    if not given:
        return None
    if len(given) != 2 or not -math.inf < given[0] < given[1] < math.inf:
        raise UsageError(
            f"--latent_range={','.join(map(str, given))}: give the lowest and the highest, as -3,7"
        )
    return tuple(given)
