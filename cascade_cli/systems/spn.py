"""Subscale Pixel Networks behind the commands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_cli.archives.compression import compress
from cascade_cli.archives.decompression import decompress
from cascade_cli.evaluation import likelihood
from cascade_cli.evaluation.report import Figures, Report
from cascade_cli.options import (
    CompressOptions,
    DecompressOptions,
    EvaluateOptions,
    ExportOptions,
    SampleOptions,
)
from cascade_cli.systems.system import Drawing, System
from cascade_tf.cascade import sample_cascade
from cascade_tf.data import Source
from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.errors import SettingError
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.endpoints import endpoints, fixed_endpoints
from spn_tf.given_pictures import accepted_sizes, known_targets, spread
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.model import SPNModel


class SPNSystem(System[LikelihoodStage]):
    """`spn`, in the stages of its upscaling, and the models that its paper compares with."""

    has_likelihood = True

    def evaluate(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
    ) -> None:
        likelihood.evaluate(
            self.experiment,
            strategy,
            source,
            total,
            report,
            options.codecs,
            archive=options.archive,
        )

    def compress(self, options: CompressOptions) -> None:
        compress(self.experiment, options)

    def decompress(self, options: DecompressOptions) -> None:
        decompress(self.experiment, options)

    def held_out(self, strategy: tf.distribute.Strategy, source: Source, total: int) -> str:
        figures = Figures()
        likelihood.evaluate(self.experiment, strategy, source, total, figures, files=False)
        return likelihood.in_words(figures.results)

    def drawing(
        self, stages: Sequence[LikelihoodStage], options: SampleOptions, seed: int
    ) -> Drawing:
        temperatures = stage_temperatures(options, stages)
        request, classes = SampleRequest(0, seed), self.classes(stages, options)
        if options.from_images is None:
            return Drawing(stages, options.num_samples, request, temperatures, classes=classes)
        return Upscaling(stages, options, options.from_images, request, temperatures, classes)

    def endpoints(
        self, stages: Sequence[LikelihoodStage], options: ExportOptions, batch: int | None = None
    ) -> dict[str, Endpoint]:
        return endpoints(stages) if batch is None else fixed_endpoints(stages, batch)

    def bits_per_dim(
        self, stages: Sequence[LikelihoodStage], images: np.ndarray, classes: np.ndarray
    ) -> np.ndarray:
        model = SPNModel(stages)
        return model.bits_per_dim(images, classes if model.num_classes > 1 else None)


def stage_temperatures(options: SampleOptions, stages: Sequence[Any]) -> list[float]:
    """A temperature for each stage; raises SettingError for another number of them."""
    temperatures = [*options.temperature]
    if len(temperatures) not in (1, len(stages)):
        options.refuse(
            f"give one number, or one for each of the stages "
            f"{', '.join(stage.name for stage in stages)}",
            "temperature",
        )
    return temperatures * len(stages) if len(temperatures) == 1 else temperatures


class Upscaling(Drawing):
    """Small or low-bit images, each upscaled `options.draws` times.

    Args:
        stages: of the cascade.
        options: number of draws, and bits to keep.
        folder: of the images.
        request, temperatures: see `Drawing`.
        classes: of the images in turn.

    Raises:
        UserError: an image that cannot be read, or of a size that no stage takes.
        SettingError: the stages cannot upscale, or not from these bits.
    """

    def __init__(
        self,
        stages: Sequence[LikelihoodStage],
        options: SampleOptions,
        folder: str,
        request: SampleRequest,
        temperatures: Sequence[float],
        classes: Sequence[int],
    ):
        c = stages[-1].config
        bits_by_side = {height: bits for (height, _), bits in accepted_sizes(stages).items()}
        if not bits_by_side:
            raise SettingError({"from_images": folder}, "this model upscales nothing")
        small_images = read_pictures(folder, "`from_images`", bits_by_side, c.channels)
        depths = sorted({stage.config.bits for stage in stages})
        images, bits = [], []
        for image in small_images:
            side = len(image)
            allowed = [b for b in depths if b < c.bits or side < c.height]
            if options.given_bits is not None and options.given_bits not in allowed:
                options.refuse(
                    f"of images of {side}x{side} pixels, the stages keep "
                    f"{' or '.join(map(str, allowed))} bits",
                    "given_bits",
                )
            images.append(spread(image[None], c.height, c.width)[0])
            bits.append(options.given_bits or bits_by_side[side])
        self._images = np.repeat(images, options.draws, axis=0)
        self._bits = np.repeat(bits, options.draws)
        self._spn_stages = stages
        if len(classes) > len(images):
            options.refuse(f"there are {len(images)} images", "classes")
        count, row = len(self._bits), options.draws if classes else None
        of_draws = [number for number in classes for _ in range(options.draws)]
        super().__init__(stages, count, request, temperatures, row, of_draws)

    def _conditions(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        if len(self.stages) > 1:  # earlier stages show the images
            return {}
        config = self._spn_stages[0].config
        assert isinstance(config, AutoregressiveConfig)  # others upscale nothing
        scale = config.scale
        return {"given": self._images[numbers][:, ::scale, ::scale].astype(np.uint8)}

    def _targets(self, request: SampleRequest, numbers: np.ndarray) -> list[tf.Tensor]:
        known = known_targets(self._spn_stages, self._images[numbers], self._bits[numbers])
        return sample_cascade(self.stages, request, self._temperatures, known)
