"""What an exported chain of decoders computes."""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.saved_model import Endpoint
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.encoder import unit_range
from wavelet_tf.reconstruction import reconstruct


def endpoints(stages: Sequence[DecoderStage]) -> dict[str, Endpoint]:
    """Functions for a SavedModel and their input signatures, by name.

    - encode: images uint8 [N, H, W, C] -> latents float32 [N, h, w, C] (equation 2).
    - decode: latents -> images (equation 3 at each level).
    - upsample: images uint8 [N, h, w, C], small pictures -> images [N, H, W, C]. A small picture
      p stands for the latent 2^levels * p, by the filters' gain (for p itself in the pixel
      variant).
    """
    c, last = stages[-1].config, stages[-1]
    gain = stages[0].condition_gain

    def encode(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latents": last.pyramid(unit_range(images))[0]}

    def decode(latents: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": last.to_images(reconstruct(stages, latents)[-1])}

    def upsample(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return decode(gain * unit_range(images))

    small = [None, c.latent_size, c.latent_size, c.channels]
    large = [None, c.image_size, c.image_size, c.channels]
    return {
        "encode": (encode, [tf.TensorSpec(large, tf.uint8, "images")]),
        "decode": (decode, [tf.TensorSpec(small, tf.float32, "latents")]),
        "upsample": (upsample, [tf.TensorSpec(small, tf.uint8, "images")]),
    }
