#!/usr/bin/env python3
"""Times the cached sampler against the machine's lower bound, in one run.

    python benchmarks/sampling.py [--shrink=1,4] [--batches=1,4,16,64] [--precisions=float32]
        [--rows=32]

The decoder of CelebA-HQ (Table 4) samples slices of 32x32x3, at full width and with widths divided
by 4. With few --rows there is hardly a cache to attend to, so the time is that of everything but
attention. For each batch it prints

- pass: seconds of one teacher-forced likelihood of the slices;
- sample: seconds to sample them, without compiling, and the ratio to the pass;
- naive: how many times longer sampling takes when the decoder runs for every subpixel (estimated
  from three timed runs of the decoder);
- floor: the ratio of sample to the lower bound of sampling pixel by pixel. The bound is the longer
  of two times. One is reading a pixel's weights and the keys and values before it at the memory's
  bandwidth. The other is their arithmetic at the rate of matrix products with one row per image.

Other users of a machine change both rates from second to second. They are therefore measured after
every sampling run, and the best counts, as with the times. Bandwidth is the mean over a second; the
figure in brackets uses the fastest single read (hundredths of a second) instead.
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

flags.DEFINE_list("shrink", ["1", "4"], "Divisors of the widths.")
flags.DEFINE_list("batches", ["1", "4", "16", "64"], "Images per batch.")
flags.DEFINE_list("precisions", ["float32", "bfloat16"], "Precisions of the arithmetic.")
flags.DEFINE_integer("rows", 32, "Rows of a slice.", lower_bound=1)
FLAGS = flags.FLAGS


class Bandwidth(NamedTuple):
    """Bytes per second at which all cores together read arrays too large for any cache.

    Attributes:
        second: mean over a second.
        best: rate of the fastest read in that second.
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
    """Returns a function that measures the operations per second of dependent matrix products.

    The products are [rows, 1024] x [1024, 1024], each with the result of the one before, in a loop
    compiled by XLA like the sampler's. There are 24 matrices, so that they are read from memory, as
    a network's weights are. The matrix stands on the right, or transposed on the left, because
    powers of two on the right conflict in the caches. In bfloat16 there are two variants:
    tf.matmul, for which XLA on a CPU converts the matrix to float32, and products with float32
    sums, which need no conversion. The fastest variant counts.
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
    """Number of unmasked weights read per pixel; weights used once per row count by their share."""
    cnn = decoder.pixelcnn
    assert decoder.transformer is not None
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
    """Lower bound of the seconds to sample a batch of slices."""
    c = decoder.config
    assert isinstance(c, SPNConfig)
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
    tf.get_logger().setLevel("ERROR")  # no warnings of retracing: every size needs it
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
