"""Compresses pictures without loss, with a trained model of exact likelihood."""

from cascade_cli.options import CompressOptions
from cascade_cli.systems import open_system
from cascade_tf.experiment import Experiment


def main(experiment: Experiment, options: CompressOptions) -> None:
    """Writes an archive, or one for each picture."""
    open_system(experiment, options).compress(options)
