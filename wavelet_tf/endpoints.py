"""Functions of an exported model of the wavelet family."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.graph_checks import (
    checked,
    checked_classes,
    checked_count,
    checked_temperature,
    checked_truncation,
    for_none_too,
)
from cascade_tf.sample_request import SampleRequest
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.reconstruction import reconstruct
from wavelet_tf.unit_images import unit_range


def decoders(stages: Sequence[Stage]) -> list[DecoderStage]:
    """The decoders among the stages."""
    return [stage for stage in stages if isinstance(stage, DecoderStage)]


def endpoints(
    stages: Sequence[Stage], truncation_kind: str = "scale", batch: int | None = None
) -> dict[str, Endpoint]:
    """Functions of an exported model and their input signatures, by name.

    If there is a prior, the function of `sampling_endpoint`. For the decoders:

    - encode: images uint8 [N, H, W, C] -> latents float32 [N, h, w, C] (equation 2).
    - decode: latents -> images (equation 3 at each level).
    - upsample: small images uint8 [N, h, w, C] -> images [N, H, W, C]. The latent of a small image
      p in [0, 1] is 2^levels * p, by the filters' gain (p itself in the pixel variant).

    Args:
        stages: built before a function is called.
        truncation_kind: of a GAN, see `SampleRequest`.
        batch: N, for programs of fixed shapes; None: any number.
    """
    chain = decoders(stages)
    c, last = chain[-1].config, chain[-1]
    gain = chain[0].condition_gain

    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latents": for_none_too(last.encoder.latents, images)}

    def decode(latents: tf.Tensor) -> dict[str, tf.Tensor]:
        def decoded(latents: tf.Tensor) -> tf.Tensor:
            return last.to_images(reconstruct(chain, latents)[-1])

        finite = tf.math.is_finite(latents)
        return {"images": for_none_too(decoded, checked(latents, finite, "latents must be finite"))}

    def upsample(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return decode(gain * unit_range(images))

    small = [batch, c.latent_size, c.latent_size, c.channels]
    large = [batch, c.image_size, c.image_size, c.channels]
    has_prior = len(stages) > len(chain)
    sampling = sampling_endpoint(stages, truncation_kind, batch) if has_prior else {}
    return sampling | {
        "encode": (encode, [tf.TensorSpec(large, tf.uint8, "images")]),
        "decode": (decode, [tf.TensorSpec(small, tf.float32, "latents")]),
        "upsample": (upsample, [tf.TensorSpec(small, tf.uint8, "images")]),
    }


def sampling_endpoint(
    stages: Sequence[Stage], truncation_kind: str = "scale", batch: int | None = None
) -> dict[str, Endpoint]:
    """Function for samples, if the first stage is a prior or a model of whole images.

    - sample, of a GAN: classes int32 [N], seed int32, truncation float32 -> images [N, H, W, C].
    - sample, of a likelihood model: count int32, seed int32, temperature float32 -> images
      [count, H, W, C]; or, if it knows classes, classes in place of the count.

    Values out of range, such as an unknown class, are an InvalidArgumentError.

    With a `batch`, N, both take the images' indices, int32 [N], in place of the count or before the
    classes. Images of equal index and seed are equal, so that other indices give further images.
    """
    first = stages[0]
    truncates = isinstance(first, GANStage)

    def drawn(
        indices: tf.Tensor, labels: tf.Tensor | None, seed: tf.Tensor, spread: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Images of indices; the spread is a truncation or a temperature."""
        settings: dict[str, Any] = {}
        if truncates:
            settings["truncation"] = checked_truncation(spread)
            settings["truncation_kind"] = truncation_kind
        else:
            settings["temperature"] = checked_temperature(spread)

        def images(indices: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
            request = SampleRequest(tf.cast(indices, tf.int64), seed, labels=labels, **settings)
            return stages[-1].to_images(sample_cascade(stages, request)[-1])

        batches = (indices,) if labels is None else (indices, labels)
        return {"images": for_none_too(images, *batches)}

    def of_indices_and_classes(
        indices: tf.Tensor, classes: tf.Tensor, seed: tf.Tensor, spread: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return drawn(indices, checked_classes(classes, first.num_classes), seed, spread)

    def of_classes(classes: tf.Tensor, seed: tf.Tensor, spread: tf.Tensor) -> dict[str, tf.Tensor]:
        return of_indices_and_classes(tf.range(tf.size(classes)), classes, seed, spread)

    def of_indices(indices: tf.Tensor, seed: tf.Tensor, spread: tf.Tensor) -> dict[str, tf.Tensor]:
        return drawn(indices, None, seed, spread)

    def of_count(count: tf.Tensor, seed: tf.Tensor, spread: tf.Tensor) -> dict[str, tf.Tensor]:
        return of_indices(tf.range(checked_count(count)), seed, spread)

    numbers = tf.TensorSpec([batch], tf.int32, "indices")
    classes = tf.TensorSpec([batch], tf.int32, "classes")
    count = tf.TensorSpec([], tf.int32, "count")
    rest = [
        tf.TensorSpec([], tf.int32, "seed"),
        tf.TensorSpec([], tf.float32, "truncation" if truncates else "temperature"),
    ]
    if "labels" in first.accepts:
        if batch is not None:
            return {"sample": (of_indices_and_classes, [numbers, classes, *rest])}
        return {"sample": (of_classes, [classes, *rest])}
    if batch is not None:
        return {"sample": (of_indices, [numbers, *rest])}
    return {"sample": (of_count, [count, *rest])}
