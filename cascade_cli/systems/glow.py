"""Glow behind the commands."""

from cascade_cli.options import CompressOptions, DecompressOptions
from cascade_cli.systems.spn import SPNSystem
from cascade_cli.systems.system import System


class GlowSystem(SPNSystem):
    """`glow`: one stage, whose likelihood is a bound, so that it makes no archives."""

    unused = ("given_bits", "draws", "archive")
    sampling_unit = "batches"

    def compress(self, options: CompressOptions) -> None:
        System.compress(self, options)

    def decompress(self, options: DecompressOptions) -> None:
        System.decompress(self, options)
