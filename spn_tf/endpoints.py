"""Endpoints of an exported cascade of Subscale Pixel Networks."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.graph_checks import (
    checked_classes,
    checked_count,
    checked_temperature,
    for_none_too,
)
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from spn_tf.given_pictures import accepted_sizes, known_targets, spread
from spn_tf.likelihood_stage import LikelihoodStage


def endpoints(stages: Sequence[LikelihoodStage]) -> dict[str, Endpoint]:
    """Functions for a SavedModel and their input signatures, by name.

    Of a class-conditional cascade all functions take classes, int32 [N], a class for each image:
    `log_prob` and `upscale` as a last argument, `sample` in place of the count.

    All images are uint8 on the 8-bit scale. In sampled images, the bits that the cascade does not
    model are zero. H, W and C are those of the last stage; K is the number of stages.

    - log_prob: images [N, H, W, C] -> nats float32 [N], the log-probability of the images at
      the cascade's bits.
    - sample: count int32, seed int32, temperature float32 (a scalar for all stages, or [K])
      -> images [count, H, W, C].
    - upscale: images [N, h, w, C], seed, temperature -> images [N, H, W, C]. An image of a
      slice's size becomes the first slice, with all its bits. Of an image of full size, the
      coarse bits of the last stage are kept. Left out if the stages upscale nothing.

    Values out of range, such as a negative count or temperature, are an InvalidArgumentError.

    >>> from spn_tf import SPNConfig, SPNStage, SPNTrainingConfig
    >>> sorted(endpoints([SPNStage("spn", SPNConfig(), SPNTrainingConfig())]))
    ['log_prob', 'sample', 'upscale']

    Args:
        stages: built before a function is called; coarsest first, all of one upscaling.
    """
    functions, sizes = _Functions(stages), accepted_sizes(stages)
    num_classes, shape = functions.num_classes, functions.shape

    def labels_of(images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        return checked_classes(classes, num_classes, tf.shape(images)[0])

    def log_prob(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return functions.log_prob(images)

    def log_prob_given_classes(images: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
        return functions.log_prob(images, labels_of(images, classes))

    def sample(count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> dict[str, tf.Tensor]:
        return functions.sample(tf.range(checked_count(count)), seed, temperature)

    def sample_of_classes(
        classes: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        labels = checked_classes(classes, num_classes)
        return functions.sample(tf.range(tf.size(labels)), seed, temperature, labels)

    def upscale(images: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> dict[str, tf.Tensor]:
        return functions.upscale(tf.range(tf.shape(images)[0]), images, seed, temperature)

    def upscale_of_classes(
        images: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, classes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        labels, indices = labels_of(images, classes), tf.range(tf.shape(images)[0])
        return functions.upscale(indices, images, seed, temperature, labels)

    images = tf.TensorSpec([None, *shape], tf.uint8, "images")
    small_images = tf.TensorSpec([None, None, None, shape[-1]], tf.uint8, "images")
    count = tf.TensorSpec([], tf.int32, "count")
    seed = tf.TensorSpec([], tf.int32, "seed")
    temperature = tf.TensorSpec(None, tf.float32, "temperature")
    found: dict[str, Endpoint]
    if num_classes > 1:
        classes = tf.TensorSpec([None], tf.int32, "classes")
        found = {
            "log_prob": (log_prob_given_classes, [images, classes]),
            "sample": (sample_of_classes, [classes, seed, temperature]),
            "upscale": (upscale_of_classes, [small_images, seed, temperature, classes]),
        }
    else:
        found = {
            "log_prob": (log_prob, [images]),
            "sample": (sample, [count, seed, temperature]),
            "upscale": (upscale, [small_images, seed, temperature]),
        }
    if not sizes:
        del found["upscale"]
    return found


def fixed_endpoints(stages: Sequence[LikelihoodStage], batch: int) -> dict[str, Endpoint]:
    """The functions of `endpoints` for programs of fixed shapes, with a number of images.

    - log_prob: images [, classes].
    - sample: indices int32 [N], seed, temperature [K] [, classes]. Images of equal index and seed
      are equal, so that other indices give further images.
    - upscale_HxW for each size of images: indices, images, seed, temperature [, classes].

    Nothing checks the range of their arguments: XLA drops checks.

    >>> from spn_tf import SPNConfig, SPNStage, SPNTrainingConfig
    >>> sorted(fixed_endpoints([SPNStage("spn", SPNConfig(), SPNTrainingConfig())], batch=8))
    ['log_prob', 'sample', 'upscale_8x8']

    Args:
        stages: as for `endpoints`.
        batch: N.
    """
    functions = _Functions(stages)
    height, width, channels = functions.shape
    images = tf.TensorSpec([batch, height, width, channels], tf.uint8, "images")
    indices = tf.TensorSpec([batch], tf.int32, "indices")
    seed = tf.TensorSpec([], tf.int32, "seed")
    temperature = tf.TensorSpec([len(stages)], tf.float32, "temperature")
    classes = [tf.TensorSpec([batch], tf.int32, "classes")] * (functions.num_classes > 1)
    found: dict[str, Endpoint] = {
        "log_prob": (functions.log_prob, [images, *classes]),
        "sample": (functions.sample, [indices, seed, temperature, *classes]),
    }
    for h, w in accepted_sizes(stages):
        small = tf.TensorSpec([batch, h, w, channels], tf.uint8, "images")
        arguments = [indices, small, seed, temperature, *classes]
        found[f"upscale_{h}x{w}"] = (functions.upscale, arguments)
    return found


class _Functions:
    """The functions, of images with given indices and labels."""

    def __init__(self, stages: Sequence[LikelihoodStage]):
        c = stages[-1].config
        self._stages, self._sizes = stages, accepted_sizes(stages)
        self.shape = (c.height, c.width, c.channels)
        self.num_classes = max(stage.num_classes for stage in stages)

    def log_prob(self, *batch: tf.Tensor) -> dict[str, tf.Tensor]:
        def of_some(*batch: tf.Tensor) -> tf.Tensor:
            return tf.add_n([stage.log_prob(*batch) for stage in self._stages])

        return {"nats": for_none_too(of_some, *batch)}

    def sample(
        self,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        labels: tf.Tensor | None = None,
        known: list[tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        temperature = checked_temperature(temperature)
        temperatures = tf.unstack(tf.broadcast_to(temperature, [len(self._stages)]))
        request = SampleRequest(tf.cast(indices, tf.int64), seed, labels=labels)
        targets = sample_cascade(self._stages, request, temperatures, known)
        return {"images": self._stages[-1].to_images(targets[-1])}

    def upscale(
        self,
        indices: tf.Tensor,
        images: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        labels: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        height, width, _ = self.shape
        size = tf.shape(images)[1:3]
        fits = [tf.reduce_all(size == accepted) for accepted in self._sizes]
        allowed = " or ".join(f"{height}x{width}" for height, width in self._sizes)
        check = tf.debugging.Assert(
            tf.reduce_any(fits), [f"images must be of {allowed}, not", size]
        )
        with tf.control_dependencies([check]):
            pixels = spread(images, height, width)
        bits = tf.reduce_sum(tf.where(fits, list(self._sizes.values()), 0))
        known = known_targets(self._stages, pixels, bits)
        return self.sample(indices, seed, temperature, labels, known)
