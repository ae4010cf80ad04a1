"""Flags of everything that samples from a GAN: its truncation, and whose statistics it uses."""

from collections.abc import Sequence

from absl import flags

from cascade_tf.stage import Stage
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.noise import KINDS

flags.DEFINE_enum(
    "truncation_kind",
    "scale",
    list(KINDS),
    "Of a GAN: scale multiplies its noise, truncate draws it from a normal that is cut off.",
)
flags.DEFINE_integer(
    "standing_batches",
    16,
    "Batches of samples that a GAN's statistics are the means of; 0: running ones of training.",
    lower_bound=0,
)
FLAGS = flags.FLAGS
NAMES = ("truncation_kind", "standing_batches")
_BATCH_SIZE = 64


def settle(stages: Sequence[Stage], truncation: float) -> None:
    """Makes a GAN among the stages ready to sample at a truncation."""
    for stage in stages:
        if isinstance(stage, GANStage):
            stage.truncation_kind = FLAGS.truncation_kind
            stage.settle(FLAGS.standing_batches, _BATCH_SIZE, truncation)
