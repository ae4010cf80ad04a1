"""Distributions of an intensity, whose parameters the decoder computes.

- "softmax": over all intensities, the paper's.
- "relative_softmax": over differences from a prediction, modulo the number of intensities. So a
  network need not learn first which intensities are neighbours.
- "anchored_softmax": over all intensities, with a part that falls with the distance to the
  prediction.
- "logistic_mixture": a mixture of logistic distributions, integrated over each intensity (Salimans
  et al., 2017, "PixelCNN++", equations 1 to 3). The means start at the prediction.
- "absolute_logistic_mixture": the same, but its means start evenly over the range.

Shape letters: ... subpixels, K components of the mixture, C colours.
"""

import abc
import math

import numpy as np
import tensorflow as tf

from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.intensity_prediction import Prediction


class IntensityDistribution(abc.ABC):
    """p(intensity) of a subpixel, over `classes` intensities from `prediction.lowest` on.

    Attributes:
        parameters: how many the decoder computes for each colour.
    """

    parameters: int

    @abc.abstractmethod
    def logits(self, parameters: tf.Tensor, prediction: Prediction | None) -> tf.Tensor:
        """Logits of all intensities, [..., classes], in ascending order of intensity.

        Args:
            parameters: [..., parameters].
            prediction: of the subpixels, whatever their axes; a softmax needs none.
        """

    def nats(
        self, parameters: tf.Tensor, prediction: Prediction | None, intensities: tf.Tensor
    ) -> tf.Tensor:
        """-log p of intensities, [...].

        Args:
            parameters: [..., parameters].
            prediction: as in `logits`.
            intensities: int32 [...] in [0, classes): above the lowest ones.
        """
        logits = self.logits(parameters, prediction)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(intensities, logits)


class Softmax(IntensityDistribution):
    """A softmax over intensities (section 3.2).

    >>> nats = Softmax(classes=8).nats(tf.zeros([1, 8]), None, tf.constant([3]))
    >>> round(float(nats[0]), 4)  # log 8
    2.0794
    """

    def __init__(self, classes: int):
        self.parameters = classes

    def logits(self, parameters: tf.Tensor, prediction: Prediction | None) -> tf.Tensor:
        return parameters


class RelativeSoftmax(IntensityDistribution):
    """A softmax over (intensity - prediction) modulo `classes`.

    Args:
        classes: the number of possible intensities of a subpixel.
    """

    def __init__(self, classes: int):
        self.parameters = self._classes = classes

    def logits(self, parameters: tf.Tensor, prediction: Prediction | None) -> tf.Tensor:
        assert prediction is not None
        shift = prediction.lowest - prediction.intensity
        order = (tf.range(self._classes) + shift[..., None]) % self._classes
        return tf.gather(parameters, order, batch_dims=len(order.shape) - 1)

    def nats(
        self, parameters: tf.Tensor, prediction: Prediction | None, intensities: tf.Tensor
    ) -> tf.Tensor:
        assert prediction is not None
        error = intensities + prediction.lowest - prediction.intensity
        return tf.nn.sparse_softmax_cross_entropy_with_logits(error % self._classes, parameters)


class AnchoredSoftmax(IntensityDistribution):
    """A softmax over intensities with a part that falls with the distance to the prediction.

    The logit of intensity x is

        u(x) - sum over j of t(j) log(1 + |x - prediction| / s(j)),

    with three fixed distances s. The decoder computes u and t - 1/2. An untrained one has t near
    1/2, so it starts at the prediction, with wide tails. It learns where single intensities are
    frequent, as in drawings.

    Args:
        levels: the number of intensities.
        classes: the number of possible intensities of a subpixel.
    """

    def __init__(self, levels: int, classes: int):
        self._levels, self._classes = levels, classes
        distances = np.array([1 / 256, 1 / 32, 1 / 4]) * levels
        places = np.arange(levels)
        apart = np.abs(places[:, None] - places)[:, None]
        # For each prediction, of each s and intensity.
        self._falls = np.log1p(apart / distances[:, None])  # [levels, 3, levels]
        self.parameters = classes + len(distances)

    def logits(self, parameters: tf.Tensor, prediction: Prediction | None) -> tf.Tensor:
        assert prediction is not None
        own, exponents = tf.split(parameters, [self._classes, -1], axis=-1)
        falls = self._falls
        if self._classes < self._levels:  # the same for the intensities of every coarse one
            falls = falls[: self._classes, :, : self._classes]
        near = tf.gather(
            tf.constant(falls, parameters.dtype), prediction.intensity - prediction.lowest
        )
        return own - tf.reduce_sum((exponents[..., None] + 0.5) * near, axis=-2)


_OFFSET = 4  # levels: an output of 1 moves a mean so far, which starts at a prediction
_SHARE = 1 / 8  # of the range, by which it moves a mean that does not
_LOG_SCALES = (-4.0, 8.0)  # levels; beyond them exponentials overflow or gradients vanish


class LogisticMixture(IntensityDistribution):
    """A mixture of K logistic distributions, integrated over each intensity.

    The lowest intensity takes all of the mass below it, the highest all above. In depth upscaling,
    `nats` divides by the mass of the coarse intensity's interval.

    A mean is the prediction, plus the errors of earlier colours times coefficients, plus an offset.
    Coefficients, offsets, scales and weights are computed by the decoder.

    Args:
        components: K.
        colours: C.
        levels: the number of intensities.
        classes: the number of possible intensities of a subpixel.
        absolute: whether the means start evenly over the range in place of the prediction, which
            is the middle of the range then, and scales start at the components' distance.
    """

    def __init__(
        self, components: int, colours: int, levels: int, classes: int, absolute: bool = False
    ):
        self._components, self._coefficients = components, colours - 1
        self._levels, self._classes = levels, classes
        self.parameters = 3 * components + self._coefficients
        # Of the log-scales, to which the decoder adds: from half a level to an eighth of the range.
        self._widths = np.linspace(math.log(0.5), math.log(levels / 8), components)
        self._starts, self._offset = np.zeros(components), float(_OFFSET)
        if absolute:
            self._widths = np.full(components, math.log(levels / (2 * components)))
            self._starts = ((np.arange(components) + 0.5) / components - 0.5) * levels
            self._offset = _SHARE * levels

    def logits(self, parameters: tf.Tensor, prediction: Prediction | None) -> tf.Tensor:
        assert prediction is not None
        below = tf.range(self._classes) + prediction.lowest[..., None]  # [..., classes]
        weights, means, scales = self._mixture(parameters, prediction)
        masses = self._log_masses(
            below, below + 1, means[..., None], scales[..., None]
        )  # [K, ..., classes]
        return tf.reduce_logsumexp(weights[..., None] + masses, axis=0)

    def nats(
        self, parameters: tf.Tensor, prediction: Prediction | None, intensities: tf.Tensor
    ) -> tf.Tensor:
        assert prediction is not None
        below = intensities + prediction.lowest
        weights, means, scales = self._mixture(parameters, prediction)
        masses = self._log_masses(below, below + 1, means, scales)  # [K, ...]
        nats = -tf.reduce_logsumexp(weights + masses, axis=0)
        if self._classes < self._levels:
            low = prediction.lowest
            masses = self._log_masses(low, low + self._classes, means, scales)
            nats += tf.reduce_logsumexp(weights + masses, axis=0)
        return nats

    def _mixture(
        self, parameters: tf.Tensor, prediction: Prediction
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Log-weights, means and log-scales, [K, ...] each.

        K comes first: XLA on CPU reduces other axes than the last one with vector instructions.
        """
        k = self._components
        rank = len(parameters.shape)
        parameters = tf.transpose(parameters, [rank - 1, *range(rank - 1)])
        weights, offsets, scales, coefficients = tf.split(parameters, [k, k, k, self._coefficients])
        each = [k] + [1] * (rank - 1)
        means = tf.cast(prediction.intensity, parameters.dtype) + offsets * self._offset
        means += tf.reshape(tf.constant(self._starts, means.dtype), each)
        for c in range(self._coefficients):
            means += coefficients[c] * tf.cast(prediction.errors[..., c], parameters.dtype)
        scales += tf.reshape(tf.constant(self._widths, scales.dtype), each)
        return tf.nn.log_softmax(weights, axis=0), means, tf.clip_by_value(scales, *_LOG_SCALES)

    def _log_masses(
        self, low: tf.Tensor, high: tf.Tensor, means: tf.Tensor, scales: tf.Tensor
    ) -> tf.Tensor:
        """log(F(high - 1/2) - F(low - 1/2)) of logistic distributions F, [K, ...].

        F is 0 below intensity 0 and 1 above the highest. For an interval of width w around c, both
        relative to mean and scale, with v = |c| - w / 2,

            sigmoid(c + w / 2) - sigmoid(c - w / 2)
                = (1 - exp(-w)) exp(-v) / ((1 + exp(-v)) (1 + exp(-v - w))),

        whose factors keep their digits in the tails. In an interval that is open on one side, only
        one of the factors 1 + exp(.) is left.

        Args:
            low, high: int32 [...], bounds of intervals of intensities.
            means, scales: [K, ...]; log-scales.
        """
        precision = tf.exp(-scales)
        center = (0.5 * tf.cast(low + high - 1, means.dtype) - means) * precision
        width = tf.cast(high - low, means.dtype) * precision
        distance = tf.abs(center) - 0.5 * width
        open_below, open_above = low <= 0, high >= self._levels
        no_near = (open_below & (center >= 0)) | (open_above & (center < 0))
        no_far = (open_below | open_above) & ~no_near
        one = tf.ones([], means.dtype)
        near = tf.where(no_near, one, 1 + tf.exp(-tf.abs(distance)))
        far = tf.where(no_far, one, 1 + tf.exp(-distance - width))
        inside = tf.where(open_below | open_above, one, -tf.math.expm1(-width))
        beyond = tf.where(no_near, 0 * one, tf.maximum(distance, 0))
        return tf.math.log(inside / (near * far)) - beyond


def intensity_distribution(config: AutoregressiveConfig) -> IntensityDistribution:
    """The distribution that `config.intensity_distribution` names.

    >>> intensity_distribution(AutoregressiveConfig()).parameters
    256
    """
    if config.intensity_distribution == "softmax":
        return Softmax(config.classes)
    if config.intensity_distribution == "relative_softmax":
        return RelativeSoftmax(config.classes)
    if config.intensity_distribution == "anchored_softmax":
        return AnchoredSoftmax(config.levels, config.classes)
    return LogisticMixture(
        config.mixture_components,
        config.channels,
        config.levels,
        config.classes,
        absolute=not config.relative,
    )
