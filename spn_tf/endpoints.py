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
from spn_tf.spn_stage import SPNStage


def endpoints(stages: Sequence[SPNStage]) -> dict[str, Endpoint]:
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

    >>> from spn_tf import SPNConfig, SPNTrainingConfig
    >>> sorted(endpoints([SPNStage("spn", SPNConfig(), SPNTrainingConfig())]))
    ['log_prob', 'sample', 'upscale']

    Args:
        stages: built before a function is called; coarsest first, all of one upscaling.
    """
    c, num_classes = stages[-1].config, max(stage.num_classes for stage in stages)
    sizes = accepted_sizes(stages)

    def draw(
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        labels: tf.Tensor | None = None,
        known: list[tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        temperature = checked_temperature(temperature)
        temperatures = tf.unstack(tf.broadcast_to(temperature, [len(stages)]))
        request = SampleRequest(indices, seed, labels=labels)
        targets = sample_cascade(stages, request, temperatures, known)
        return {"images": stages[-1].to_images(targets[-1])}

    def nats(*batch: tf.Tensor) -> dict[str, tf.Tensor]:
        def of_some(*batch: tf.Tensor) -> tf.Tensor:
            return tf.add_n([stage.log_prob(*batch) for stage in stages])

        return {"nats": for_none_too(of_some, *batch)}

    def labels_of(images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        return checked_classes(classes, num_classes, tf.shape(images)[0])

    def log_prob(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return nats(images)

    def log_prob_given_classes(images: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
        return nats(images, labels_of(images, classes))

    def sample(count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> dict[str, tf.Tensor]:
        count = tf.cast(checked_count(count), tf.int64)
        return draw(tf.range(count, dtype=tf.int64), seed, temperature)

    def sample_of_classes(
        classes: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        labels = checked_classes(classes, num_classes)
        return draw(tf.range(tf.size(labels, tf.int64)), seed, temperature, labels)

    def enlarged(
        images: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        labels: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        size = tf.shape(images)[1:3]
        fits = [tf.reduce_all(size == accepted) for accepted in sizes]
        allowed = " or ".join(f"{height}x{width}" for height, width in sizes)
        check = tf.debugging.Assert(
            tf.reduce_any(fits), [f"images must be of {allowed}, not", size]
        )
        with tf.control_dependencies([check]):
            pixels = spread(images, c.height, c.width)
        bits = tf.reduce_sum(tf.where(fits, list(sizes.values()), 0))
        indices = tf.range(tf.shape(images, tf.int64)[0], dtype=tf.int64)
        return draw(indices, seed, temperature, labels, known_targets(stages, pixels, bits))

    def upscale(images: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> dict[str, tf.Tensor]:
        return enlarged(images, seed, temperature)

    def upscale_of_classes(
        images: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor, classes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return enlarged(images, seed, temperature, labels_of(images, classes))

    images = tf.TensorSpec([None, c.height, c.width, c.channels], tf.uint8, "images")
    small_images = tf.TensorSpec([None, None, None, c.channels], tf.uint8, "images")
    count = tf.TensorSpec([], tf.int32, "count")
    seed = tf.TensorSpec([], tf.int32, "seed")
    temperature = tf.TensorSpec(None, tf.float32, "temperature")
    functions: dict[str, Endpoint]
    if num_classes > 1:
        classes = tf.TensorSpec([None], tf.int32, "classes")
        functions = {
            "log_prob": (log_prob_given_classes, [images, classes]),
            "sample": (sample_of_classes, [classes, seed, temperature]),
            "upscale": (upscale_of_classes, [small_images, seed, temperature, classes]),
        }
    else:
        functions = {
            "log_prob": (log_prob, [images]),
            "sample": (sample, [count, seed, temperature]),
            "upscale": (upscale, [small_images, seed, temperature]),
        }
    if not sizes:
        del functions["upscale"]
    return functions
