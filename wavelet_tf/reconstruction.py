"""How well a chain of decoders makes images again (Table 1), and what needs no learning."""

from collections.abc import Sequence

import tensorflow as tf

from wavelet_tf.decoder_stage import DecoderStage, WaveletDecoderStage
from wavelet_tf.encoder import unit_range


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
      S/TR zero, ...: of zeros.

    Args:
        stages: all of a chain, coarsest first, of one kind.
        images: uint8 [B, H, W, C].
    """
    image = unit_range(images)
    real = stages[0].pyramid(image)
    made = reconstruct(stages, real[0])
    found = _against(image, made[-1])
    for number, stage in enumerate(stages):
        if number:
            rest = reconstruct(stages[number:], real[number])
            found[f"mse/from {stage.name}"] = _against(image, rest[-1])["mse"]
        fine = real[number + 1]
        found[f"{stage.name}/mse"] = stage.squared_error(stage.decode(real[number]), fine)
        found[f"{stage.name}/mse after predicted"] = stage.squared_error(made[number], fine)
        if isinstance(stage, WaveletDecoderStage):
            found |= _bands(stage, fine)
    for name, floor in _floors(stages, real[0]).items():
        found |= {f"{figure}/{name}": x for figure, x in _against(image, floor).items()}
    return found


def _against(image: tf.Tensor, made: tf.Tensor) -> dict[str, tf.Tensor]:
    made = tf.clip_by_value(made, 0, 1)
    return {
        "mse": tf.reduce_mean(tf.math.squared_difference(image, made), [1, 2, 3]),
        "psnr": tf.image.psnr(image, made, 1.0),
        "ssim": tf.image.ssim(image, made, 1.0),
    }


def _bands(stage: WaveletDecoderStage, fine: tf.Tensor) -> dict[str, tf.Tensor]:
    decoder, found = stage.decoder, {}
    tl, packets = decoder.split(fine)
    bands = zip(decoder.bands(decoder(tl)), decoder.bands(packets), strict=True)
    for name, (predicted, true) in zip(("TR", "BL", "BR"), bands, strict=True):
        error = tf.math.squared_difference(predicted, true)
        found[f"{stage.name}/{name}"] = tf.reduce_mean(error, [1, 2, 3])
        found[f"{stage.name}/{name} zero"] = tf.reduce_mean(tf.square(true), [1, 2, 3])
    return found


def _floors(stages: Sequence[DecoderStage], latent: tf.Tensor) -> dict[str, tf.Tensor]:
    floors = {}
    if isinstance(stages[0], WaveletDecoderStage):
        made = latent
        for stage in stages:
            zeros = tf.zeros_like(stage.decoder.split(tf.repeat(tf.repeat(made, 2, 1), 2, 2))[1])
            made = stage.decoder.join(made, zeros)
        floors["zero bands"] = made
    size = stages[-1].decoder.size
    small = latent / stages[0].condition_gain
    for method in ("bilinear", "bicubic"):
        floors[method] = tf.image.resize(small, [size, size], method)
    return floors
