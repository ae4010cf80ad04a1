"""The model families behind the commands, by the values of the setting `system`."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any

from cascade_cli.options import Options
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.family import Family
from cascade_tf.settings import Settings, setting
from spn_tf.family import FAMILIES as SPN_FAMILIES
from wavelet_tf.family import BigGANFamily, NSBFamily, PixelNSBFamily
from wavelet_tf.vqvae2.family import VQVAE2Family

if TYPE_CHECKING:
    from cascade_cli.systems.system import System

FAMILIES: dict[str, type[Family]] = {
    **SPN_FAMILIES,
    "nsb": NSBFamily,
    "nsb_pixel": PixelNSBFamily,
    "biggan": BigGANFamily,
    "vqvae2": VQVAE2Family,
}
# Modules and classes by name, because importing them imports TensorFlow.
_SYSTEMS = {
    **dict.fromkeys(SPN_FAMILIES, ("spn", "SPNSystem")),
    "glow": ("glow", "GlowSystem"),
    "nsb": ("nsb", "NSBSystem"),
    "nsb_pixel": ("nsb", "NSBSystem"),
    "biggan": ("biggan", "BigGANSystem"),
    "vqvae2": ("vqvae2", "VQVAE2System"),
}


@dataclasses.dataclass(frozen=True)
class SystemSettings(Settings):
    """The choice of a model family."""

    system: str = setting(
        "spn",
        "Model family: Subscale Pixel Network, or one of the models that its paper compares it "
        "with; not-so-BigGAN, wavelet or pixel; BigGAN of images; VQ-VAE-2.",
        decides="model",
        choices=tuple(FAMILIES),
        whole=True,
        group="model",
    )


def open_system(experiment: Experiment, options: Options) -> "System[Any]":
    """The `System` of an experiment's family; raises UsageError for options without effect."""
    module, name = _SYSTEMS[experiment.system]
    kind = getattr(importlib.import_module(f"cascade_cli.systems.{module}"), name)
    system: System[Any] = kind(experiment)
    for unused in system.unused:
        if options.is_given(unused):
            raise UsageError(f"`{unused}` means nothing to {experiment.described}")
    for name in ("truncation_kind", "standing_batches"):
        if options.is_given(name) and not system.truncates:
            raise UsageError(f"`{name}` is for GANs, and this experiment has none")
    return system
