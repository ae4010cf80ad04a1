"""Reconstruction errors of a chain of decoders (Table 1), and of methods without learning."""

import math
from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.stage import Stage
from wavelet_tf.decoder_stage import DecoderStage, WaveletDecoderStage
from wavelet_tf.decoding_stage import DecodingStage
from wavelet_tf.structural_similarity import structural_similarity
from wavelet_tf.unit_images import unit_range


def decoding_stages(stages: Sequence[Stage]) -> list[DecodingStage]:
    """The stages that decode, without randomness, what those before them sample."""
    return [stage for stage in stages if isinstance(stage, DecodingStage)]


def reconstruct(stages: Sequence[DecodingStage], latent: tf.Tensor) -> list[tf.Tensor]:
    """Outputs of a chain, coarsest first: each stage decodes the output of the one before.

    Args:
        stages: all of a chain, coarsest first.
        latent: input of the first stage, such as latents, float32 [B, h, w, C].
    """
    outputs = []
    for stage in stages:
        latent = stage.decode(latent)
        outputs.append(latent)
    return outputs


def figures(stages: Sequence[DecoderStage], images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Figures of each image, float32 [B], by name; mse is in the units of images in [0, 1].

    - mse, psnr, ssim: the whole chain's reconstruction from the latent, clipped to [0, 1].
    - mse/from S: that of stage S and all later ones, from the real condition of S.
    - mse/zero bands, mse/bilinear, mse/bicubic (psnr/, ssim/): reconstructions from the latent
      without learning, by high bands of zero or by a resize.
    - S/mse, S/mse after predicted: the output of stage S, unclipped, from its real condition and
      from the previous stages' output.
    - S/TR, S/BL, S/BR (wavelets): mean squared error of the band's predicted coefficients, from
      the real TL; S/TR after predicted, ...: from the predicted TL; S/TR zero, ...: of zeros.

    Args:
        stages: all of a chain, coarsest first, of one kind.
        images: uint8 [B, H, W, C].
    """
    image = unit_range(images)
    coarse, *finer = stages[0].encoder.pyramid(image)
    metrics: dict[str, tf.Tensor] = {}
    outputs: list[tf.Tensor] = []  # of the stages so far, begun at each real coarse representation
    floor = coarse
    for stage, fine in zip(stages, finer, strict=True):
        decoder = stage.decoder
        real, true = decoder.split(fine)
        inputs = [*outputs, real]
        predicted = [decoder(x) for x in inputs]
        outputs = [decoder.join(x, y) for x, y in zip(inputs, predicted, strict=True)]
        zeros = tf.zeros_like(true)
        floor = decoder.join(floor, zeros)
        metrics[f"{stage.name}/mse"] = stage.squared_error(outputs[-1], fine)
        metrics[f"{stage.name}/mse after predicted"] = stage.squared_error(outputs[0], fine)
        if isinstance(stage, WaveletDecoderStage):
            kinds = {"": predicted[-1], " after predicted": predicted[0], " zero": zeros}
            for kind, packets in kinds.items():
                metrics |= _band_errors(stage, kind, packets, true)
    metrics |= image_errors(image, outputs[0])
    for stage, output in zip(stages[1:], outputs[1:], strict=True):
        metrics[f"mse/from {stage.name}"] = image_errors(image, output)["mse"]
    floors = {"zero bands": floor} if isinstance(stages[0], WaveletDecoderStage) else {}
    for method in ("bilinear", "bicubic"):
        floors[method] = resized(stages[0], coarse, method)
    for name, floor in floors.items():
        metrics |= {f"{figure}/{name}": x for figure, x in image_errors(image, floor).items()}
    return metrics


def resized(first: DecoderStage, latent: tf.Tensor, method: str) -> tf.Tensor:
    """Resizes a latent, as an image, to the images' size.

    The latent's samples keep their positions in the image; see `Encoder.center`.

    Args:
        first: the first stage, which has the latent as its condition.
        latent: float32 [B, h, w, C].
        method: "bilinear" or "bicubic".

    Returns:
        float32 [B, H, W, C].
    """
    c = first.config
    factor = c.image_size // c.latent_size
    margin = 2  # samples that the wider kernel reads beyond the ends, where TensorFlow has zeros
    latent = tf.pad(latent, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "SYMMETRIC")
    shift = (first.encoder.center - 0.5) * (factor - 1) - margin * factor
    kernel = {"bilinear": "triangle", "bicubic": "keyscubic"}[method]
    return tf.raw_ops.ScaleAndTranslate(
        images=latent / first.condition_gain,
        size=[c.image_size, c.image_size],
        scale=[factor, factor],
        translation=[shift, shift],
        kernel_type=kernel,
        antialias=False,
    )


def image_errors(image: tf.Tensor, output: tf.Tensor) -> dict[str, tf.Tensor]:
    """MSE, PSNR (100 dB at most) and SSIM of an output clipped to [0, 1], float32 [B] each.

    Args:
        image: float32 [B, H, W, C] in [0, 1].
        output: of the same shape.
    """
    output = tf.clip_by_value(output, 0, 1)
    mse = tf.reduce_mean(tf.math.squared_difference(image, output), [1, 2, 3])
    psnr = -10 / math.log(10) * tf.math.log(tf.maximum(mse, 1e-10))
    return {"mse": mse, "psnr": psnr, "ssim": structural_similarity(image, output)}


def _band_errors(
    stage: WaveletDecoderStage, kind: str, packets: tf.Tensor, true: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Mean squared errors of TR, BL and BR, float32 [B] each."""
    differences = stage.decoder.bands(packets - true)
    return {
        f"{stage.name}/{band}{kind}": tf.reduce_mean(tf.square(difference), [1, 2, 3])
        for band, difference in zip(("TR", "BL", "BR"), differences, strict=True)
    }
