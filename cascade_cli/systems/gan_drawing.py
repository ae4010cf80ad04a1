"""Samples of GANs: of classes in turn, and on lines between noises or classes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from cascade_cli.options import SampleOptions, TruncationOptions
from cascade_cli.systems.system import Drawing
from cascade_tf.cascade import sample_cascade
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.biggan.standing_statistics import standing_batches
from wavelet_tf.gan_stage import GANStage


def settle(stages: Sequence[Stage], options: TruncationOptions, truncation: float) -> None:
    """Computes batch statistics for a truncation, in the stages that are GANs."""
    for stage in stages:
        if isinstance(stage, GANStage):
            batches = standing_batches(options.standing_batches, stage.largest_batch)
            stage.settle(*batches, truncation, options.truncation_kind)


def gan_drawing(
    stages: Sequence[Stage], options: SampleOptions, seed: int, classes: Sequence[int]
) -> Drawing:
    """Samples of a cascade whose first stage is a GAN.

    Args:
        stages: of the cascade, coarsest first.
        options: of the command.
        seed: of all draws.
        classes: that the user named.

    Raises:
        SettingError: lines that need more classes.
    """
    gan = stages[0]
    assert isinstance(gan, GANStage)
    settle(stages, options, options.truncation)
    request = SampleRequest(
        0, seed, truncation=options.truncation, truncation_kind=options.truncation_kind
    )
    if options.interpolate is None:
        return Drawing(stages, options.num_samples, request, classes=classes)
    return OnLines(gan, stages, options, request, classes)


class OnLines(Drawing):
    """Images on lines between two noises of one class, or between two classes at one noise.

    Args:
        gan: the first stage.
        stages: of the cascade.
        options: number of lines, and images of each.
        request: seed and truncation of the noise.
        classes: of the lines' ends in turn; empty: all.

    Raises:
        SettingError: lines between classes, with fewer than two classes.
    """

    def __init__(
        self,
        gan: GANStage,
        stages: Sequence[Stage],
        options: SampleOptions,
        request: SampleRequest,
        classes: Sequence[int],
    ):
        classes = classes or range(gan.num_classes)
        if options.interpolate == "class" and len(set(classes)) < 2:
            options.refuse("there must be two `classes` or more", "interpolate")
        self._gan, self._ends = gan, np.array(classes)
        self._between_noises = options.interpolate == "noise"
        self._steps = options.line_images
        count = options.num_samples * self._steps
        super().__init__(stages, count, request, in_a_row=self._steps)

    def _targets(self, request: SampleRequest, numbers: np.ndarray) -> list[tf.Tensor]:
        line, share = numbers // self._steps, numbers % self._steps / (self._steps - 1)
        two, one = np.stack([2 * line, 2 * line + 1], axis=1), np.stack([line, line], axis=1)
        ends, places = (two, one) if self._between_noises else (one, two)
        latents = self._gan.between(
            tf.constant(ends, tf.int64),
            tf.constant(self._ends[places % len(self._ends)], tf.int32),
            tf.constant(share, tf.float32),
            request.seed,
            request.truncation,
            request.truncation_kind or "scale",
        )
        if request.on_progress is not None:
            request.on_progress()
        return sample_cascade(self.stages, request, first_target=latents)
