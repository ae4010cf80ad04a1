#!/usr/bin/env python3
"""Times the cached sampler against what the machine could do at best, in one run.

    python benchmarks/sampling.py [--shrink=1,4] [--batches=1,4,16,64] [--precisions=float32]
        [--rows=32]

The decoder of CelebA-HQ (Table 4) on slices of 32x32x3, whole and with widths divided by 4. With
few rows there is hardly a cache to attend to: what a pixel takes then is all the rest. For each
batch it prints

- pass: seconds of one teacher-forced likelihood of the slices;
- sample: seconds to draw them, compiling apart, and the same over the pass;
- naive: how many times longer drawing takes when the decoder runs for every subpixel (three runs
  are timed);
- floor: sample over the least that a pixel after another could take: the weights that a pixel
  needs and the keys and values before it, read at the memory's speed, or their arithmetic at the
  speed of matrix products with as many rows as there are images, whichever is longer. Other users
  of a machine change both speeds from second to second, so they are measured after each time that
  slices are drawn, and the best count, as of the times. The memory's is of a second; in brackets is
  what the best of all single reads, of hundredths of a second, would make of it.
"""

import dataclasses
import os
import threading
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags
from timing import fastest
from widths import shrunk

from spn_tf.config import SPNConfig
from spn_tf.sampling import Sampler
from spn_tf.sampling.cpu_kernels.few_rows import with_float32_sums
from spn_tf.slice_decoder import SliceDecoder
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

flags.DEFINE_list("shrink", ["1", "4"], "What the widths are divided by.")
flags.DEFINE_list("batches", ["1", "4", "16", "64"], "Images at once.")
flags.DEFINE_list("precisions", ["float32", "bfloat16"], "Of the arithmetic.")
flags.DEFINE_integer("rows", 32, "Of a slice.", lower_bound=1)
FLAGS = flags.FLAGS


class Bandwidth(NamedTuple):
    """Bytes per second that all cores together read from arrays too large for any cache.

    Attributes:
        second: over a second.
        best: of the fastest read in it.
    """

    second: float
    best: float


def memory_bandwidth() -> Bandwidth:
    arrays = [np.ones(2**26, np.float32) for _ in range(os.cpu_count() or 1)]
    size = sum(array.nbytes for array in arrays)

    def read() -> None:
        threads = [threading.Thread(target=array.max) for array in arrays]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    times: list[float] = []
    while sum(times) < 1.0:
        times.append(fastest(read, 1))
    return Bandwidth(size * len(times) / sum(times), size / min(times))


def products(rows: int, precision: str) -> Callable[[], float]:
    """A function that measures operations per second of products [rows, 1024] x [1024, 1024].

    One after another. The matrices are 24, so that they come from memory as a network's weights
    do; compiled by XLA, in a loop, as the sampler's are. They stand on the right or, transposed, on
    the left: on the right, powers of two get into their own way in caches. Those of bfloat16
    numbers are made by tf.matmul, before which XLA turns them into float32 on a CPU, and with sums
    in float32, before which it does not. The fastest counts.
    """
    dtype, loops = tf.as_dtype(precision), 20
    kernels = [tf.cast(tf.random.normal([1024, 1024]) / 32, dtype) for _ in range(24)]

    def repeated(
        product: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], shape: list[int]
    ) -> Callable[[], object]:
        @tf.function(jit_compile=True, autograph=False)
        def run(x: tf.Tensor, kernels: list[tf.Tensor]) -> tf.Tensor:
            def body(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                for kernel in kernels:
                    x = product(x, kernel)
                return i + 1, x

            return tf.while_loop(lambda i, _: i < loops, body, (0, x))[1]

        x = tf.cast(tf.random.normal(shape), dtype)
        run(x, kernels)
        return lambda: run(x, kernels).numpy()

    def native(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return tf.cast(with_float32_sums(a, b), dtype)

    def matrix_on_the_left(
        product: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    ) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        return lambda x, kernel: product(kernel, x)

    runs = []
    for product in (tf.matmul,) if dtype == tf.float32 else (tf.matmul, native):
        runs.append(repeated(product, [rows, 1024]))
        runs.append(repeated(matrix_on_the_left(product), [1024, rows]))
    operations = 2.0 * rows * 1024**2 * len(kernels) * loops
    return lambda: operations / min(fastest(run) for run in runs)


def weights_of_a_pixel(decoder: SliceDecoder) -> float:
    """How many weights a pixel's logits take, masked ones not counted; a row's are shared by it."""
    cnn = decoder.pixelcnn
    count = decoder.project.kernel.shape.num_elements()
    for branch in decoder.transformer.branches:
        count += sum(np.prod(w.shape) for w in branch.weights)
    count += decoder.width * cnn.conv_channels * len(cnn.gated)
    convolutions = [c for layer in cnn.gated for c in (layer.horizontal, layer.out)]
    count += sum(c.mask.sum() for c in (*convolutions, cnn.hidden, cnn.logits))
    rows = [w for layer in cnn.gated for w in layer.vertical.weights]
    rows += [layer.vertical_to_horizontal.kernel for layer in cnn.gated]
    return count + sum(np.prod(w.shape) for w in rows) / decoder.config.slice_width


def floor(
    decoder: SliceDecoder, batch: int, precision: str, bandwidth: float, rate: float
) -> float:
    """Seconds that a slice takes at least."""
    c = decoder.config
    pixels = c.slice_height * c.slice_width
    weights = weights_of_a_pixel(decoder)
    live = batch * (pixels / 2) * 2 * c.decoder_attention_layers * decoder.width
    reading = (weights + live) * tf.as_dtype(precision).size / bandwidth
    arithmetic = 2 * (weights * batch + live) / rate
    return pixels * max(reading, arithmetic)


def measure(shrink: int, batch: int, precision: str, product_rate: Callable[[], float]) -> None:
    config = dataclasses.replace(SPNConfig(), height=FLAGS.rows, width=32, scale=1)
    config = shrunk(config, shrink)
    policy = "float32" if precision == "float32" else "mixed_bfloat16"
    network = SubscalePixelNetwork(config, dtype=policy)
    network.build()
    sampler = Sampler(network, "benchmark")
    indices = tf.range(batch, dtype=tf.int64)
    target = tf.zeros([batch], tf.int32)
    slices = tf.zeros([batch, 1, config.height, config.width, config.channels], tf.int32)

    logits = tf.function(network)
    nats = tf.function(network.slice_nats)
    logits(slices, target), nats(slices[:, 0], target)
    likelihood = fastest(lambda: nats(slices[:, 0], target).numpy())
    step = fastest(lambda: logits(slices, target).numpy())

    def draw() -> None:
        sampler.sample(indices, tf.constant(0), tf.constant(1.0)).numpy()

    first = fastest(draw, 1)
    times: list[float] = []
    bandwidths: list[Bandwidth] = []
    product_rates: list[float] = []
    while len(times) < 3 or (len(times) < 6 and sum(times) < 5):
        times.append(fastest(draw, 1))
        bandwidths.append(memory_bandwidth())
        product_rates.append(product_rate())
    seconds, rate = min(times), max(product_rates)
    rates = [max(b.second for b in bandwidths), max(b.best for b in bandwidths)]
    floors = [floor(network.decoder, batch, precision, b, rate) for b in rates]
    subpixels = config.dimensions
    print(
        f"| 1/{shrink} | {precision} | {batch} | {likelihood:.2f} | {seconds:.2f} "
        f"| {seconds / likelihood:.1f} | {step * subpixels / seconds:.0f} "
        f"| {rates[0] / 1e9:.1f} ({rates[1] / 1e9:.1f}) | {rate / 1e9:.0f} "
        f"| {seconds / floors[0]:.2f} ({seconds / floors[1]:.2f}) | {first - seconds:.0f} |",
        flush=True,
    )


def main(_: list[str]) -> None:
    tf.get_logger().setLevel("ERROR")  # each size is a program of its own, and meant to be
    print(
        "| width | precision | batch | pass, s | sample, s | sample / pass | naive / sample", end=""
    )
    print(" | memory, GB/s | products, GFLOP/s | sample / floor | compiling, s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for precision in FLAGS.precisions:
        product_rates = {int(batch): products(int(batch), precision) for batch in FLAGS.batches}
        for shrink in FLAGS.shrink:
            for batch, product_rate in product_rates.items():
                measure(int(shrink), batch, precision, product_rate)


if __name__ == "__main__":
    app.run(main)
