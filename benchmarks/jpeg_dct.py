#!/usr/bin/env python3
"""Compares TensorFlow's fast DCT of JPEG with the accurate one, at the size of `imagenet128`.

    python benchmarks/jpeg_dct.py

The pictures are windows of 500x375, ImageNet's usual size, of scikit-image's photographs, saved as
JPEG. Both decodings are cropped to the centre square and resized by area to 128x128. The sizes of
JPEG XL, WebP and PNG files stand in for a model's likelihood.
"""

import io
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import skimage
import tensorflow as tf
from absl import app, flags
from PIL import Image

from cascade_tf.codecs import codec_bits_per_dim
from cascade_tf.data import DataConfig
from cascade_tf.data.preprocessing import evaluation_image

flags.DEFINE_integer("windows", 4, "Windows of each photograph.")
flags.DEFINE_multi_integer("quality", [75, 95], "Qualities of the JPEG files.")
FLAGS = flags.FLAGS

HEIGHT, WIDTH = 375, 500
PHOTOGRAPHS = ("astronaut", "coffee", "hubble_deep_field", "retina", "rocket")
CONFIG = DataConfig("folder", image_size=128, channels=3)


def _jpegs(quality: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    encoded = []
    for name in PHOTOGRAPHS:
        photograph = getattr(skimage.data, name)()
        for _ in range(FLAGS.windows):
            top = rng.integers(photograph.shape[0] - HEIGHT + 1)
            left = rng.integers(photograph.shape[1] - WIDTH + 1)
            file = io.BytesIO()
            window = Image.fromarray(photograph[top : top + HEIGHT, left : left + WIDTH])
            window.save(file, "JPEG", quality=quality)
            encoded.append(file.getvalue())
    return encoded


def _decoded(files: list[bytes], dct: str) -> tuple[np.ndarray, np.ndarray]:
    """Images before and after preprocessing, uint8 [N, H, W, 3]."""
    whole = [tf.io.decode_jpeg(content, channels=3, dct_method=dct) for content in files]
    small = [evaluation_image(image, CONFIG) for image in whole]
    return np.stack(whole), np.stack(small)


def _differences(one: np.ndarray, other: np.ndarray) -> str:
    difference = np.abs(one.astype(int) - other)
    return f"{(difference > 0).mean():.1%}, up to {difference.max()}"


def main(_: list[str]) -> None:
    print("| quality | values that differ | at 128x128 | codec | accurate | fast |")
    print("|---|---|---|---|---|---|")
    for quality in FLAGS.quality:
        files = _jpegs(quality)
        whole, small = _decoded(files, "INTEGER_ACCURATE")
        fast_whole, fast_small = _decoded(files, "INTEGER_FAST")
        accurate, fast = codec_bits_per_dim(small), codec_bits_per_dim(fast_small)
        for codec, bits in accurate.items():
            print(
                f"| {quality} | {_differences(whole, fast_whole)} "
                f"| {_differences(small, fast_small)} "
                f"| {codec} | {bits:.4f} | {fast[codec]:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
