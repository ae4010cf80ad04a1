"""Writes the pictures of archives as PNG files."""

from cascade_cli.options import DecompressOptions
from cascade_cli.systems import open_system
from cascade_tf.experiment import Experiment


def main(experiment: Experiment, options: DecompressOptions) -> None:
    """Writes each picture as soon as it is decoded and checked."""
    open_system(experiment, options).decompress(options)
