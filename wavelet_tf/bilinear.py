"""Bilinear resizes by a factor of two (section 4.5)."""

import tensorflow as tf


def halved(images: tf.Tensor, antialias: bool) -> tf.Tensor:
    """[B, h, w, C] to half the size; without `antialias`, the means of 2x2 pixels."""
    size = [images.shape[1] // 2, images.shape[2] // 2]
    return tf.image.resize(images, size, "bilinear", antialias=antialias)


def enlarged(images: tf.Tensor, size: int) -> tf.Tensor:
    """[B, h, w, C] to [B, size, size, C]."""
    return tf.image.resize(images, [size, size], "bilinear")
