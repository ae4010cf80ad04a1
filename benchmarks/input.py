#!/usr/bin/env python3
"""Times the input pipelines at 256x256 against bare decoding and resizing, in one run.

    python benchmarks/input.py

The datasets are a folder of JPEG files of 500x375, ImageNet's usual size, and TFDS's
`celeb_a_hq/256` on an archive of its layout; both hold windows of scikit-image's photographs. The
bare reference is one `tf.data.map` with a thread per core over encoded images in memory:
tf.io.decode_image, central crop, resize_area. The pipelines and the reference alternate; the
fastest pass of each counts.
"""

import io
import os
import pathlib
import tarfile
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import skimage
import tensorflow as tf
from absl import app, flags
from etils import epath
from PIL import Image

from cascade_tf.data import CachedSource, DataConfig, open_source
from cascade_tf.data.preprocessing import resize_area

flags.DEFINE_integer("num_images", 2000, "Images per dataset.")
flags.DEFINE_integer("rounds", 5, "Passes per pipeline.")
FLAGS = flags.FLAGS

SIZE = 256
BATCH = 16


def _encoded_images(height: int, width: int, form: str) -> list[bytes]:
    """Encoded windows of photographs."""
    photographs = [skimage.data.retina(), skimage.data.hubble_deep_field()]
    rng = np.random.default_rng(0)
    encoded = []
    for number in range(FLAGS.num_images):
        photograph = photographs[number % 2]
        top = rng.integers(photograph.shape[0] - height)
        left = rng.integers(photograph.shape[1] - width)
        file = io.BytesIO()
        window = Image.fromarray(photograph[top : top + height, left : left + width])
        window.save(file, form)
        encoded.append(file.getvalue())
    return encoded


def _fill_folder(folder: pathlib.Path, files: list[bytes]) -> None:
    folder.mkdir()
    for number, content in enumerate(files):
        (folder / f"{number}.jpg").write_bytes(content)


def _fill_celeb_a_hq(folder: pathlib.Path, files: list[bytes]) -> None:
    manual = folder / "downloads" / "manual"
    manual.mkdir(parents=True)
    with tarfile.open(manual / "data256x256.tar", "w") as archive:
        for number, content in enumerate(files):
            member = tarfile.TarInfo(f"data256x256/{number:05d}.png")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _bare(files: list[bytes]) -> tf.data.Dataset:
    def decode(encoded: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        sides = tf.shape(image)[:2]
        side = tf.reduce_min(sides)
        top, left = tf.unstack((sides - side) // 2)
        return resize_area(image[top : top + side, left : left + side], [SIZE, SIZE])

    records = tf.data.Dataset.from_tensor_slices(files)
    return records.map(decode, num_parallel_calls=os.cpu_count())


def _images_per_second(dataset: tf.data.Dataset, images: int) -> float:
    began = time.perf_counter()
    for _ in dataset:
        pass
    return images / (time.perf_counter() - began)


def main(_: list[str]) -> None:
    print("| pipeline | images/s | bare decoding and resizing | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        jpegs, pngs = _encoded_images(375, 500, "JPEG"), _encoded_images(SIZE, SIZE, "PNG")
        _fill_folder(root / "folder", jpegs)
        _fill_celeb_a_hq(root / "tfds", pngs)
        cases = (
            ("folder", "folder", jpegs, False),
            ("folder", "folder", jpegs, True),
            ("celeb_a_hq/256", "tfds", pngs, False),
        )
        for dataset, where, files, cached in cases:
            config = DataConfig(dataset, str(root / where), image_size=SIZE, channels=3, flip=True)
            source = open_source(config, "all")
            if cached:
                source = CachedSource(source, epath.Path(root / "cache"))
                source.prepare()
            batches = FLAGS.num_images // BATCH
            training = source.training_examples(BATCH, 0).take(batches)
            bare = _bare(files)
            pairs = [
                (
                    _images_per_second(training, batches * BATCH),
                    _images_per_second(bare, FLAGS.num_images),
                )
                for _ in range(FLAGS.rounds)
            ]
            ours, reference = (max(rates) for rates in zip(*pairs, strict=True))
            name = f"{dataset}, --cache_dir" if cached else dataset
            print(f"| {name} | {ours:.0f} | {reference:.0f} | {ours / reference:.2f} |", flush=True)


if __name__ == "__main__":
    app.run(main)
