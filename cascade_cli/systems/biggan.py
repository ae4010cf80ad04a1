"""BigGAN of whole images, the paper's baseline, behind the commands."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_cli.evaluation.report import Report
from cascade_cli.evaluation.samples import SampleEvaluation
from cascade_cli.options import EvaluateOptions, ExportOptions, SampleOptions
from cascade_cli.systems.gan_drawing import gan_drawing, settle
from cascade_cli.systems.system import Drawing, System
from cascade_tf.data import Source
from cascade_tf.saved_model import Endpoint
from wavelet_tf.endpoints import sampling_endpoint
from wavelet_tf.gan_stage import GANStage


class BigGANSystem(System[GANStage]):
    """`biggan`: one stage, which samples pixels."""

    unused = ("temperature", "from_images", "given_bits", "draws", "codecs", "archive")
    sampling_unit = "batches"
    truncates = True
    compares_samples = True

    def evaluate(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
    ) -> None:
        evaluation = SampleEvaluation(
            self.experiment, strategy, source, total, options, report, self.truncates, settle
        )
        report.begin(*evaluation.parts)
        evaluation.evaluate(report.results)

    def drawing(self, stages: Sequence[GANStage], options: SampleOptions, seed: int) -> Drawing:
        return gan_drawing(stages, options, seed, self.classes(stages, options))

    def endpoints(
        self, stages: Sequence[GANStage], options: ExportOptions, batch: int | None = None
    ) -> dict[str, Endpoint]:
        settle(stages, options, truncation=1.0)
        return sampling_endpoint(stages, options.truncation_kind, batch)
