#!/usr/bin/env python3
"""Times the wavelet transform against PyWavelets, ptwt and tensorflow-wavelets, in one run.

    pip install torch ptwt tensorflow-wavelets tensorflow-probability tf-keras
    python benchmarks/wavelets.py [--batch=16] [--size=256]

The transform is bior2.2 on float32 [batch, size, size, 3] in mode `periodization` (`reflect` for
ptwt, which lacks it). All cores work; PyWavelets runs in threads over the batch, with channels last
and channels first. A copy of the batch is the lower bound. The contestants alternate; the fastest
pass of each counts. Libraries that are not installed, or do not import beside this TensorFlow, are
skipped with the reason.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pywt
import tensorflow as tf
from absl import app, flags
from timing import fastest

from wavelet_tf.transform import definition, dwt2, idwt2
from wavelet_tf.transform.filters import filters

flags.DEFINE_integer("batch", 16, "Images per batch.")
flags.DEFINE_integer("size", 256, "Side of the images, in pixels.")
flags.DEFINE_integer("rounds", 15, "Passes per contestant.")
FLAGS = flags.FLAGS

WAVELET = "bior2.2"
# Takes images and returns two functions without arguments: forward, and inverse of its result.
Contestant = Callable[[np.ndarray], tuple[Callable[[], object], Callable[[], object]]]


def ours(mode: str, compiled: bool = True) -> Contestant:
    def make(images: np.ndarray) -> tuple[Callable, Callable]:
        forward, inverse = [tf.function(f) if compiled else f for f in (dwt2, idwt2)]
        x = tf.constant(images)
        bands = forward(x, WAVELET, mode)
        # On a CPU, eager calls return only when the result is ready.
        return lambda: forward(x, WAVELET, mode), lambda: inverse(bands, WAVELET, mode)

    return make


def definition_of_tf_signal(images: np.ndarray) -> tuple[Callable, Callable]:
    """Applies the 1-D reference of `definition.py` along both axes."""
    b, h, w, c = images.shape
    taps = filters(WAVELET, "periodization")

    @tf.function
    def forward(x: tf.Tensor) -> list[tf.Tensor]:
        rows = definition.analysis(tf.reshape(x, [b, h, w * c]), taps)
        parts = [definition.analysis(tf.reshape(x, [b * h // 2, w, c]), taps) for x in rows]
        return [tf.reshape(x, [b, h // 2, w // 2, c]) for part in parts for x in part]

    @tf.function
    def inverse(tl: tf.Tensor, bl: tf.Tensor, tr: tf.Tensor, br: tf.Tensor) -> tf.Tensor:
        def row(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
            flat = [tf.reshape(x, [b * h // 2, w // 2, c]) for x in (left, right)]
            return tf.reshape(definition.synthesis(flat[0], flat[1], taps), [b, h // 2, w * c])

        low, high = row(tl, bl), row(tr, br)
        return tf.reshape(definition.synthesis(low, high, taps), [b, h, w, c])

    x = tf.constant(images)
    bands = forward(x)
    np.testing.assert_allclose(inverse(*bands), images, atol=1e-5)
    return lambda: forward(x), lambda: inverse(*bands)


def pywavelets(threads: int, channels_first: bool) -> Contestant:
    axes = (2, 3) if channels_first else (1, 2)

    def make(images: np.ndarray) -> tuple[Callable, Callable]:
        if channels_first:
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        pool = ThreadPoolExecutor(threads)
        parts = np.array_split(images, threads)

        def forward(part: np.ndarray) -> tuple:
            return pywt.dwt2(part, WAVELET, "periodization", axes=axes)

        def inverse(bands: tuple) -> np.ndarray:
            return pywt.idwt2(bands, WAVELET, "periodization", axes=axes)

        bands = [forward(part) for part in parts]
        return (
            lambda: list(pool.map(forward, parts)),
            lambda: list(pool.map(inverse, bands)),
        )

    return make


def ptwt(images: np.ndarray) -> tuple[Callable, Callable]:
    """Transform of ptwt: layout [..., H, W], no mode `periodization`."""
    import ptwt
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    bands = ptwt.wavedec2(x, WAVELET, mode="reflect", level=1)
    return (
        lambda: ptwt.wavedec2(x, WAVELET, mode="reflect", level=1),
        lambda: ptwt.waverec2(bands, WAVELET),
    )


def tensorflow_wavelets(images: np.ndarray) -> tuple[Callable, Callable]:
    from tensorflow_wavelets.Layers import DWT

    x = tf.constant(images)
    analysis, synthesis = DWT.DWT(WAVELET, concat=0), DWT.IDWT(WAVELET, concat=0)
    forward, inverse = tf.function(analysis), tf.function(synthesis)
    bands = forward(x)
    return lambda: forward(x), lambda: inverse(bands)


def main(argv: list[str]) -> None:
    shape = (FLAGS.batch, FLAGS.size, FLAGS.size, 3)
    images = np.random.default_rng(0).random(shape, np.float32)
    passes: dict[str, tuple[Callable, Callable]] = {
        "a copy of the batch": (lambda: images.copy(), lambda: images.copy()),
        "ours, periodization": ours("periodization")(images),
        "ours, reflect": ours("reflect")(images),
        "ours, called eagerly": ours("periodization", compiled=False)(images),
        "ours, as tf.signal defines it": definition_of_tf_signal(images),
    }
    others: dict[str, Contestant] = {
        "PyWavelets, one thread": pywavelets(1, channels_first=False),
        "PyWavelets, one thread, channels first": pywavelets(1, channels_first=True),
        "PyWavelets, all cores": pywavelets(os.cpu_count() or 1, channels_first=False),
        "PyWavelets, all cores, channels first": pywavelets(
            os.cpu_count() or 1, channels_first=True
        ),
        "ptwt, all cores": ptwt,
        "tensorflow-wavelets": tensorflow_wavelets,
    }
    for name, make in others.items():
        try:
            passes[name] = make(images)
        except ImportError as error:
            print(f"{name}: skipped ({str(error).splitlines()[0]})")
    times = {name: [float("inf")] * 2 for name in passes}
    for _ in range(FLAGS.rounds):
        for name, directions in passes.items():
            times[name] = [
                min(t, fastest(f, 1)) for t, f in zip(times[name], directions, strict=True)
            ]
    best = times["ours, periodization"]
    print(f"\n{shape} float32\n")
    print("| | forward, ms | ours over it | inverse, ms | ours over it |\n|---|---|---|---|---|")
    for name, (forward, inverse) in times.items():
        print(
            f"| {name} | {1e3 * forward:.1f} | {best[0] / forward:.2f} "
            f"| {1e3 * inverse:.1f} | {best[1] / inverse:.2f} |"
        )


if __name__ == "__main__":
    app.run(main)
