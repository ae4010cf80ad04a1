"""How well a chain of decoders makes images again (Table 1), and what needs no learning."""

import math
from collections.abc import Sequence

import tensorflow as tf

from wavelet_tf.decoder_stage import DecoderStage, WaveletDecoderStage
from wavelet_tf.unit_images import unit_range


def reconstruct(stages: Sequence[DecoderStage], latent: tf.Tensor) -> list[tf.Tensor]:
    """What each stage makes of what the one before made, from the latent on; coarsest first."""
    made = []
    for stage in stages:
        latent = stage.decode(latent)
        made.append(latent)
    return made


def figures(stages: Sequence[DecoderStage], images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Figures of each image, float32 [B], by name; errors are mean squares of pixels in [0, 1].

    - mse, psnr, ssim: of the whole chain, clipped to [0, 1], from the latent.
    - mse/from S: of the stages from S on, given S's real coarse representation.
    - mse/zero bands, mse/bilinear, mse/bicubic (psnr/, ssim/): from the same latent without
      learning: high bands of zeros; a resize of the latent as a picture.
    - S/mse, S/mse after predicted: of what stage S makes, as a picture and unclipped, given the
      real and the predicted coarser representation.
    - S/TR, S/BL, S/BR (wavelets): mean squared error of the band's coefficients given the real TL;
      S/TR after predicted, ...: given the predicted one; S/TR zero, ...: of zeros.

    Args:
        stages: all of a chain, coarsest first, of one kind.
        images: uint8 [B, H, W, C].
    """
    image = unit_range(images)
    coarse, *finer = stages[0].encoder.pyramid(image)
    found: dict[str, tf.Tensor] = {}
    made: list[tf.Tensor] = []  # by the stages so far, from each real coarse representation on
    floor = coarse
    for stage, fine in zip(stages, finer, strict=True):
        decoder = stage.decoder
        real, true = decoder.split(fine)
        given = [*made, real]
        predicted = [decoder(x) for x in given]
        made = [decoder.join(x, y) for x, y in zip(given, predicted, strict=True)]
        zeros = tf.zeros_like(true)
        floor = decoder.join(floor, zeros)
        found[f"{stage.name}/mse"] = stage.squared_error(made[-1], fine)
        found[f"{stage.name}/mse after predicted"] = stage.squared_error(made[0], fine)
        if isinstance(stage, WaveletDecoderStage):
            kinds = {"": predicted[-1], " after predicted": predicted[0], " zero": zeros}
            for kind, packets in kinds.items():
                found |= _band_errors(stage, kind, packets, true)
    found |= _against(image, made[0])
    for stage, image_made in zip(stages[1:], made[1:], strict=True):
        found[f"mse/from {stage.name}"] = _against(image, image_made)["mse"]
    floors = {"zero bands": floor} if isinstance(stages[0], WaveletDecoderStage) else {}
    for method in ("bilinear", "bicubic"):
        floors[method] = resized(stages[0], coarse, method)
    for name, floor in floors.items():
        found |= {f"{figure}/{name}": x for figure, x in _against(image, floor).items()}
    return found


def resized(first: DecoderStage, latent: tf.Tensor, method: str) -> tf.Tensor:
    """A latent as a picture, resized to the images' size, its samples where they stand in images.

    Args:
        first: the stage that is given the latent.
        latent: float32 [B, h, w, C].
        method: "bilinear" or "bicubic".

    Returns:
        float32 [B, H, W, C].
    """
    c = first.config
    factor = c.image_size // c.latent_size
    margin = 2  # as many samples beyond the ends as the wider kernel takes; TensorFlow's are black
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


def _against(image: tf.Tensor, made: tf.Tensor) -> dict[str, tf.Tensor]:
    """PSNR is 100 dB at most, that of exact images too."""
    made = tf.clip_by_value(made, 0, 1)
    mse = tf.reduce_mean(tf.math.squared_difference(image, made), [1, 2, 3])
    psnr = -10 / math.log(10) * tf.math.log(tf.maximum(mse, 1e-10))
    return {"mse": mse, "psnr": psnr, "ssim": tf.image.ssim(image, made, 1.0)}


def _band_errors(
    stage: WaveletDecoderStage, kind: str, packets: tf.Tensor, true: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Of TR, BL and BR, float32 [B] each."""
    differences = stage.decoder.bands(packets - true)
    return {
        f"{stage.name}/{band}{kind}": tf.reduce_mean(tf.square(difference), [1, 2, 3])
        for band, difference in zip(("TR", "BL", "BR"), differences, strict=True)
    }
