"""Flags of bin/evaluate that say what samples are compared with, and how."""

import dataclasses
from typing import Any

from absl import flags

import truncation_flags
from cascade_tf.errors import UsageError
from sample_evaluation import Wanted
from scoped_flags import NumbersParser
from system import System

flags.DEFINE_integer("num_samples", None, "Samples to compare; by default as many as images.", 2)
flags.DEFINE(
    NumbersParser(), "truncations", None, "Compare samples at each of these truncations; 1."
)
flags.DEFINE_string(
    "inception",
    None,
    "Weights of the Inception network, for FID: classify_image_graph_def.pb, or the archive of "
    "TorchScript. Without them distances are of plain features of pixels.",
)
flags.DEFINE_string("reference", None, "Compare with the statistics in this .npz, not the split.")
flags.DEFINE_string("save_reference", None, "Write the statistics of the split to this .npz.")
flags.DEFINE_bool("all_checkpoints", False, "Also compare at each checkpoint that is kept.")
flags.DEFINE_string(
    "compare_images", None, "Also compare the images of this folder, as they are and decoded."
)
flags.DEFINE_string("output_dir", None, "Where evaluation.json and the plots go.")
flags.DEFINE_bool("overwrite", False, "Replace such files.")
FLAGS = flags.FLAGS
_NAMES = [field.name for field in dataclasses.fields(Wanted) if field.name != "settle"]


def wanted(system: System) -> Wanted:
    """What the flags ask for; raises UsageError for those without meaning to a system."""
    for name in _NAMES:
        if FLAGS[name].present and not system.compares_samples:
            raise UsageError(f"--{name} is for GANs and priors, and there is none here")
    for name in truncation_flags.NAMES:
        if FLAGS[name].present and not system.truncates:
            raise UsageError(f"--{name} is for GANs, and there is none here")
    values: dict[str, Any] = {name: FLAGS[name].value for name in _NAMES}
    return Wanted(settle=truncation_flags.settle, **values)
