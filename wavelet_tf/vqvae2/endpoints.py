"""Functions of an exported VQ-VAE-2."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.graph_checks import (
    checked,
    checked_classes,
    checked_count,
    checked_temperature,
    for_none_too,
)
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage


def endpoints(stages: Sequence[Stage], batch: int | None = None) -> dict[str, Endpoint]:
    """Functions of an exported model and their input signatures, by name.

    - sample: count int32, seed int32, temperature float32 -> images uint8 [count, H, W, C]. If the
      model knows classes, they are the first argument, int32 [N], in place of the count.
    - encode: images -> codes int32 [N, h, w, 2]: the bottom code, and the top code above it.
    - decode: codes -> images.

    With a `batch`, N, `sample` takes the images' indices, int32 [N], in place of the count, or
    before the classes. Images of equal index and seed are equal.

    Values out of range, such as an unknown code, are an InvalidArgumentError.

    Args:
        stages: built before a function is called.
        batch: N, for programs of fixed shapes; None: any number.
    """
    first, autoencoder = stages[0], stages[-1]
    assert isinstance(autoencoder, AutoencoderStage)
    c = autoencoder.config

    def drawn(
        indices: tf.Tensor, labels: tf.Tensor | None, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        temperature = checked_temperature(temperature)

        def images(indices: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
            request = SampleRequest(tf.cast(indices, tf.int64), seed, temperature, labels=labels)
            return autoencoder.to_images(sample_cascade(stages, request)[-1])

        given = (indices,) if labels is None else (indices, labels)
        return {"images": for_none_too(images, *given)}

    def unconditional(
        count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return drawn(tf.range(checked_count(count)), None, seed, temperature)

    def of_classes(
        classes: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return of_indices_and_classes(tf.range(tf.size(classes)), classes, seed, temperature)

    def of_indices(
        indices: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return drawn(indices, None, seed, temperature)

    def of_indices_and_classes(
        indices: tf.Tensor, classes: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return drawn(indices, checked_classes(classes, first.num_classes), seed, temperature)

    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"codes": for_none_too(autoencoder.encode, images)}

    def decode(codes: tf.Tensor) -> dict[str, tf.Tensor]:
        def decoded(codes: tf.Tensor) -> tf.Tensor:
            return autoencoder.to_images(autoencoder.decode(codes))

        known = (codes >= 0) & (codes < c.codes)
        needed = f"codes must be from 0 to {c.codes - 1}"
        return {"images": for_none_too(decoded, checked(codes, known, needed))}

    seed = tf.TensorSpec([], tf.int32, "seed")
    temperature = tf.TensorSpec([], tf.float32, "temperature")
    count = tf.TensorSpec([], tf.int32, "count")
    indices = tf.TensorSpec([batch], tf.int32, "indices")
    classes = tf.TensorSpec([batch], tf.int32, "classes")
    images = tf.TensorSpec([batch, c.image_size, c.image_size, c.channels], tf.uint8, "images")
    codes = tf.TensorSpec([batch, c.bottom_size, c.bottom_size, 2], tf.int32, "codes")
    sample: Endpoint
    if first.num_classes > 1:
        sample = (of_classes, [classes, seed, temperature])
        if batch is not None:
            sample = (of_indices_and_classes, [indices, classes, seed, temperature])
    else:
        sample = (unconditional, [count, seed, temperature])
        if batch is not None:
            sample = (of_indices, [indices, seed, temperature])
    return {"sample": sample, "encode": (encode, [images]), "decode": (decode, [codes])}
