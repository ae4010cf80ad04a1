#!/usr/bin/env python3
"""Compares a model's archives with other lossless files, and their speed with sampling.

    python benchmarks/archives.py --model=digits --dataset=digits
    python benchmarks/archives.py --model=photographs --dataset=folder \
      --data_dir=data/photographs/32 --large=PHOTOGRAPH

Images are held-out ones, in the order of `evaluate`. Times are of programs that are compiled: each
kind of work is done once before, and then in turns with the others; the fastest of three counts.
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import imagecodecs
import numpy as np
from absl import app, flags
from PIL import Image

import spn_tf
from cascade_cli.evaluation.likelihood import first_images
from cascade_tf.codecs import TITLES, codec_bits_per_dim
from cascade_tf.data import open_source
from cascade_tf.data.config import DataConfig
from cascade_tf.pictures import sheet
from spn_tf.compression import archive
from spn_tf.compression.compressor import Compressor
from spn_tf.compression.picture import Picture

flags.DEFINE_string("model", "digits", "A workdir, or a model that comes with the package.")
flags.DEFINE_string("dataset", "digits", "Data set of the held-out images.")
flags.DEFINE_string("data_dir", None, "Folder of the data set.")
flags.DEFINE_integer("num_images", 500, "Images to compress.")
flags.DEFINE_bool("each", True, "Write an archive for each image, too.")
flags.DEFINE_integer("num_timed", 256, "Images to time; 0: none.")
flags.DEFINE_string("large", None, "A picture whose middle 256x256 pixels are compressed as well.")
flags.DEFINE_bool("portable", False, "Write portable archives.")
FLAGS = flags.FLAGS

_ROUNDS = 3
_SIDE = 256  # of the large picture


def main(_: list[str]) -> None:
    model = spn_tf.load(FLAGS.model)
    height, channels = model.image_shape[0], model.image_shape[2]
    data = DataConfig(FLAGS.dataset, FLAGS.data_dir, image_size=height, channels=channels)
    images, labels = first_images(open_source(data, "test"), FLAGS.num_images, FLAGS.num_images)
    classes = labels if model.num_classes > 1 else None

    compressor = Compressor(model.stages)
    own_labels = labels if model.num_classes > 1 else [0] * len(images)
    whole = [Picture(image, label=int(k)) for image, k in zip(images, own_labels, strict=True)]
    written = compressor.write(whole, portable=FLAGS.portable).data
    content = archive.read(written)
    payload, exact = (
        sum(len(stream.data) for stream in content.streams),
        model.bits_per_dim(images, classes).sum(),
    )
    exact_bytes = float(exact) * images[0].size / 8
    each = whole if FLAGS.each else whole[:1]
    single = [compressor.write([picture], False, FLAGS.portable).data for picture in each]
    print(f"{len(images)} images; {content.arithmetic}")
    print(f"exact likelihood {exact_bytes:,.0f} bytes; {len(content.streams)} streams of ", end="")
    print(f"{payload:,} bytes: {payload - exact_bytes:+,.1f}")
    print(f"all else {len(written) - payload - 4 * len(images)} bytes, and 4 for each image;")
    print(
        f"of the first image alone {len(single[0]) - len(archive.read(single[0]).streams[0].data)}."
    )
    print(f"Passes of the whole network for an image: 1; without a cache {images[0].size:,}.\n")
    print("| | bits/dim | a file for each image |\n|---|---|---|")
    alone = f"{8 * sum(map(len, single)) / images.size:.4f}" if FLAGS.each else ""
    print(f"| this | {8 * len(written) / images.size:.4f} | {alone} |")
    for name, together, apart in _others(images):
        print(f"| {name} | {together:.4f} | {apart:.4f} |")
    if FLAGS.num_timed:
        count = FLAGS.num_timed
        own = None if classes is None else classes[:count]
        _compare(compressor, whole[:count], lambda: model.sample(count, classes=own))
    if FLAGS.large:
        pixels = np.asarray(Image.open(FLAGS.large).convert("RGB"))
        top, left = ((size - _SIDE) // 2 for size in pixels.shape[:2])
        pixels = pixels[top : top + _SIDE, left : left + _SIDE]
        large = Picture(pixels, label=int(model.likely_classes([pixels])[0]))
        size = len(compressor.write([large], portable=FLAGS.portable).data)
        print(f"\n| {FLAGS.large}, {_SIDE}x{_SIDE} | bits/dim |\n|---|---|")
        print(f"| this | {8 * size / pixels.size:.4f} |")
        for row in _others(pixels[None]):
            print(f"| {row[0]} | {row[2]:.4f} |")
        _compare(compressor, [large], lambda: model.sample((_SIDE // height) ** 2))


def _others(images: np.ndarray) -> list[tuple[str, float, float]]:
    """Names of codecs, and their bits/dim on one sheet and in single files."""
    together, single = (codec_bits_per_dim(images, tiled=tiled) for tiled in (True, False))
    page = sheet(images)

    def effort_9(pixels: np.ndarray) -> bytes:
        return bytes(imagecodecs.jpegxl_encode(np.squeeze(pixels), lossless=True, effort=9))

    def brotli(pixels: np.ndarray) -> bytes:
        return bytes(imagecodecs.brotli_encode(pixels.tobytes(), level=11))

    def row(name: str, encode: Callable[[np.ndarray], bytes]) -> tuple[str, float, float]:
        each = sum(len(encode(image)) for image in images)
        return name, 8 * len(encode(page)) / images.size, 8 * each / images.size

    rows = [(TITLES[codec], together[codec], single[codec]) for codec in together]
    return [*rows, row("JPEG XL, effort 9", effort_9), row("Brotli of the pixels", brotli)]


def _compare(compressor: Compressor, pictures: list, sample: Callable[[], object]) -> None:
    """Prints seconds of sampling, compressing and decompressing as much, in turns."""

    def write() -> bytes:
        return compressor.write(pictures, verify=False, portable=FLAGS.portable).data

    data = write()
    work = {
        "sample": sample,
        "compress, without decoding": write,
        "decompress": lambda: list(compressor.read(data)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(1 + _ROUNDS):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    best = {name: min(taken[1:]) for name, taken in seconds.items()}
    print(f"\n| {len(pictures)} pictures | s | of sampling as many |\n|---|---|---|")
    for name, taken in best.items():
        print(f"| {name} | {taken:.2f} | {taken / best['sample']:.2f} |")
    first = ", ".join(f"{name} {taken[0]:.1f} s" for name, taken in seconds.items())
    print(f"The first time, with compilation: {first}.")


if __name__ == "__main__":
    app.run(main)
