"""not-so-BigGAN behind the commands: wavelet and pixel decoders, and their priors."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from cascade_cli.evaluation import prior_likelihood, reconstruction
from cascade_cli.evaluation.report import Report
from cascade_cli.evaluation.samples import sample_evaluation
from cascade_cli.options import EvaluateOptions, ExportOptions, SampleOptions
from cascade_cli.systems.gan_drawing import gan_drawing, settle
from cascade_cli.systems.spn import stage_temperatures
from cascade_cli.systems.system import Drawing, System
from cascade_tf.cascade import sample_cascade
from cascade_tf.data import Source
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.experiment import Experiment
from cascade_tf.pictures import resize_nearest
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.endpoints import decoders, endpoints
from wavelet_tf.family import NSBFamily
from wavelet_tf.unit_images import to_uint8, unit_range


class NSBSystem(System[Stage]):
    """`nsb` and `nsb_pixel`: a prior, if any, then a stage for each doubling of the resolution."""

    sampling_unit = "stages"

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        assert isinstance(experiment.family, NSBFamily)
        prior = experiment.family.prior
        self.samples = self.compares_samples = prior.prior != "none"
        self.truncates = prior.is_gan
        unused = ["given_bits", "draws", "codecs", "archive"]
        unused += ["temperature"] if prior.prior != "spn" else []
        self.unused = unused + ([] if self.samples else ["num_samples"])

    def evaluate(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
    ) -> None:
        parts, samples = ["decoders"], None
        if self.samples:  # constructed first: it refuses mistakes before anything is computed
            if not self.truncates:
                parts.append("prior")
                self.experiment.require_classes_of(source)
            truncates = self.truncates
            samples = sample_evaluation(
                self.experiment, strategy, source, total, options, report, truncates, settle
            )
            parts += samples.parts if samples else ["samples"]
        report.begin(*parts)
        reconstruction.evaluate(self.experiment, strategy, source, total, report)
        if "prior" in parts:
            prior_likelihood.evaluate(self.experiment, strategy, source, total, report)
        if samples is not None:
            samples.evaluate(report.results.setdefault("samples", {}))

    def drawing(self, stages: Sequence[Stage], options: SampleOptions, seed: int) -> Drawing:
        if options.from_images is not None:
            return Decoding(decoders(stages), options.from_images)
        classes = self.classes(stages, options)
        if self.truncates:
            return gan_drawing(stages, options, seed, classes)
        temperatures = stage_temperatures(options, stages)
        request = SampleRequest(0, seed)
        return Drawing(stages, options.num_samples, request, temperatures, classes=classes)

    def endpoints(
        self, stages: Sequence[Stage], options: ExportOptions, batch: int | None = None
    ) -> dict[str, Endpoint]:
        settle(stages, options, truncation=1.0)
        return endpoints(stages, options.truncation_kind, batch)


class Decoding(Drawing):
    """Reconstructions of full-size images, and small images decoded as latents.

    Args:
        stages: the decoders, coarsest first.
        folder: of the images.

    Raises:
        UserError: an image that cannot be read, or of another size.
    """

    def __init__(self, stages: Sequence[DecoderStage], folder: str):
        c, gain, encoder = stages[0].config, stages[0].condition_gain, stages[0].encoder
        images = read_pictures(folder, "`from_images`", (c.latent_size, c.image_size), c.channels)
        latents, shown = [], []
        for image in images:
            full = len(image) == c.image_size
            latents.append(encoder.latents(image[None])[0] if full else gain * unit_range(image))
            shown.append(resize_nearest(image[None], c.image_size, c.image_size)[0])
        self._latents, self._shown, self._gain = np.stack(latents), np.stack(shown), gain
        super().__init__(stages, len(latents), SampleRequest(0))

    def _targets(self, request: SampleRequest, numbers: np.ndarray) -> list[tf.Tensor]:
        return sample_cascade(self.stages, request.replace(condition=self._latents[numbers]))

    def _conditions(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "given": self._shown[numbers],
            "latent": to_uint8(self._latents[numbers], self._gain).numpy(),
        }
