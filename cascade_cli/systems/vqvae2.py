"""VQ-VAE-2 behind the commands."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from cascade_cli.evaluation import codes
from cascade_cli.evaluation.report import Report
from cascade_cli.evaluation.samples import sample_evaluation
from cascade_cli.options import EvaluateOptions, ExportOptions, SampleOptions
from cascade_cli.systems.spn import stage_temperatures
from cascade_cli.systems.system import Drawing, System
from cascade_tf.data import Source
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.errors import UsageError
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage
from wavelet_tf.vqvae2.code_maps import parted
from wavelet_tf.vqvae2.config import VQVAE2Config
from wavelet_tf.vqvae2.endpoints import endpoints
from wavelet_tf.vqvae2.priors import CodePrior, require_codes_of_the_autoencoder


class VQVAE2System(System[Stage]):
    """`vqvae2`: models of the top and the bottom codes, then the autoencoder."""

    unused = ("given_bits", "draws", "codecs", "archive")
    sampling_unit = "parts"
    compares_samples = True
    samples_of_first_stage_are_images = False

    @property
    def limits(self) -> dict[str, list[int]]:
        return {"codes": [0, self.experiment.settings(VQVAE2Config).codes - 1]}

    def evaluate(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
    ) -> None:
        self.experiment.require_classes_of(source)
        samples = sample_evaluation(
            self.experiment, strategy, source, total, options, report, truncates=False
        )
        report.begin("codes", *(samples.parts if samples else ["samples"]))
        codes.evaluate(self.experiment, strategy, source, total, report)
        if samples is not None:
            samples.evaluate(report.results.setdefault("samples", {}))

    def drawing(self, stages: Sequence[Stage], options: SampleOptions, seed: int) -> Drawing:
        require_codes_of_the_autoencoder(stages)
        if options.from_images is not None:
            if options.is_given("temperature"):
                raise UsageError("`temperature` means nothing with `from_images`")
            return Reconstruction(stages, options.from_images)
        models = stages[:-1]  # the autoencoder has no temperature
        temperatures = [*stage_temperatures(options, models), 1.0]
        classes = self.classes(stages, options)
        request = SampleRequest(0, seed)
        return Drawing(stages, options.num_samples, request, temperatures, classes=classes)

    def endpoints(
        self, stages: Sequence[Stage], options: ExportOptions, batch: int | None = None
    ) -> dict[str, Endpoint]:
        require_codes_of_the_autoencoder(stages)
        return endpoints(stages, batch)


class Reconstruction(Drawing):
    """Images, their codes, and what the autoencoder makes of these.

    Args:
        stages: of the cascade.
        folder: of the images.

    Raises:
        UserError: an image that cannot be read, or of another size.
    """

    def __init__(self, stages: Sequence[Stage], folder: str):
        *priors, autoencoder = stages
        assert isinstance(autoencoder, AutoencoderStage)
        c = autoencoder.config
        images = read_pictures(folder, "`from_images`", (c.image_size,), c.channels)
        self._images, self._autoencoder = np.stack(images), autoencoder
        self._priors = [prior for prior in priors if isinstance(prior, CodePrior)]
        super().__init__([autoencoder], len(images), SampleRequest(0))

    def _targets(self, request: SampleRequest, numbers: np.ndarray) -> list[tf.Tensor]:
        self._codes = self._autoencoder.encode(tf.constant(self._images[numbers]))
        return [self._autoencoder.sample(request.replace(condition=self._codes))]

    def _conditions(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        columns = {"given": self._images[numbers]}
        for prior, own in zip(self._priors, parted(self._codes), strict=True):
            columns[prior.name] = prior.to_images(own[..., None]).numpy()
        return columns
