"""Functions of an exported VQ-VAE-2."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.graph_checks import checked, for_none_too
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from wavelet_tf.endpoints import sampling_endpoint
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage


def endpoints(stages: Sequence[Stage], batch: int | None = None) -> dict[str, Endpoint]:
    """Functions of an exported model and their input signatures, by name.

    - sample: see `sampling_endpoint`; it has a temperature.
    - encode: images -> codes int32 [N, h, w, 2]: the bottom code, and the top code above it.
    - decode: codes -> images.

    Values out of range, such as an unknown code, are an InvalidArgumentError.

    Args:
        stages: built before a function is called.
        batch: N, for programs of fixed shapes; None: any number.
    """
    autoencoder = stages[-1]
    assert isinstance(autoencoder, AutoencoderStage)
    c = autoencoder.config

    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"codes": for_none_too(autoencoder.encode, images)}

    def decode(codes: tf.Tensor) -> dict[str, tf.Tensor]:
        def decoded(codes: tf.Tensor) -> tf.Tensor:
            return autoencoder.to_images(autoencoder.decode(codes))

        known = (codes >= 0) & (codes < c.codes)
        needed = f"codes must be from 0 to {c.codes - 1}"
        return {"images": for_none_too(decoded, checked(codes, known, needed))}

    images = tf.TensorSpec([batch, c.image_size, c.image_size, c.channels], tf.uint8, "images")
    codes = tf.TensorSpec([batch, c.bottom_size, c.bottom_size, 2], tf.int32, "codes")
    own = {"encode": (encode, [images]), "decode": (decode, [codes])}
    return sampling_endpoint(stages, batch=batch) | own
