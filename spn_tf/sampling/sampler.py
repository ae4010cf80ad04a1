"""The fast sampler: the images of `plain_sample`, from cached intermediate results.

The slice embedder runs once for each slice. The decoder goes from pixel to pixel and
caches results of the pixels before (decode.py). XLA compiles one program for all slices. On
several cores, parts of a batch run the program side by side.
"""

from typing import Any

import tensorflow as tf

from cascade_tf import xla_ops
from cascade_tf.stage import OnProgress
from cascade_tf.strategies import (
    cores_of_a_replica,
    even_parts,
    has_accelerators,
    run_on_replicas,
)
from spn_tf.ordering import to_image, to_slices
from spn_tf.sampling.arguments import UNKNOWN, as_tensors
from spn_tf.sampling.cached_prediction import CachedPrediction
from spn_tf.sampling.cpu_kernels import CpuKernels
from spn_tf.sampling.decode import decode
from spn_tf.sampling.kernels import Kernels
from spn_tf.sampling.pixel_draws import PixelDraws
from spn_tf.sampling.plain_kernels import PlainKernels
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

# A part of a batch needs at least one image per so many weights. Below that, rereading the weights
# costs more than the cores save by not synchronising.
_WEIGHTS_PER_IMAGE = 15_000_000


def kernels_of_this_machine(compute_dtype: str) -> Kernels:
    """The kernels that suit the devices of this process; the only place that chooses.

    `CpuKernels` on CPUs, `PlainKernels` on GPUs and TPUs, for float64, and wherever TensorFlow
    lacks the private operations that the layouts for CPUs rest on.

    Args:
        compute_dtype: of the network: "float32", "bfloat16" or "float64".
    """
    if compute_dtype == "float64" or has_accelerators() or xla_ops.missing_ops():
        return PlainKernels(compute_dtype)
    return CpuKernels(compute_dtype)


def count_parts(batch: int, weights: int, cores: int) -> int:
    """The number of parts of equal size that a batch is cut into, to be drawn side by side.

    A pixel takes many short operations. Cores that share one operation wait for each other at its
    end; cores that have a part each do not, but each part reads all of the weights. So the more
    weights a network has, the more images a part must have.

        >>> count_parts(batch=16, weights=1_000_000, cores=2)
        2
        >>> count_parts(batch=3, weights=30_000_000, cores=2)
        1
    """
    least = -(-weights // _WEIGHTS_PER_IMAGE)
    size = -(-batch // max(1, min(cores, batch // least)))
    return -(-batch // size)


class Sampler:
    """Draws images from a network; under a strategy, on all of its replicas.

        >>> from spn_tf.config import SPNConfig
        >>> config = SPNConfig(
        ...     height=4, width=4, channels=1, bits=3, scale=1, ffn_size=8,
        ...     decoder_attention_layers=1, pixelcnn_layers=1, pixelcnn_conv_channels=8,
        ...     pixelcnn_residual_channels=16,
        ... )
        >>> network = SubscalePixelNetwork(config)
        >>> network.build()
        >>> Sampler(network, stream="example").sample(range(16), seed=0).shape
        TensorShape([16, 4, 4, 1])

    Args:
        network: a built network.
        stream: name of the noise. Stages of a cascade have different ones, so that they do not
            share their noise.
        kernels: operations and layouts for the device; those of this machine by default.
    """

    def __init__(self, network: SubscalePixelNetwork, stream: str, kernels: Kernels | None = None):
        xla_ops.warn_of_missing_ops()
        self._network = network
        self._stream = stream
        self._cores = cores_of_a_replica(tf.distribute.get_strategy())
        self._kernels = kernels or kernels_of_this_machine(network.compute_dtype)
        self._compiled_decode = tf.function(self._decode, jit_compile=True, autograph=False)
        self._compiled_fill_slice = run_on_replicas(
            tf.function(self._fill_slice, autograph=False), tf.distribute.get_strategy()
        )

    def sample(
        self,
        indices: Any,
        seed: Any = 0,
        temperature: Any = 1.0,
        coarse: Any = None,
        known: Any = None,
        first_slice: Any = None,
        labels: Any = None,
        on_slice: OnProgress | None = None,
    ) -> tf.Tensor:
        """Draws one image for each index.

        It runs eagerly, reporting its slices, or as part of a graph. Arguments may be tensors, or
        Python or NumPy numbers. A program is compiled for each number of images, not for each
        seed or temperature.

        Args:
            indices: int64 [B]. The noise of an image depends on its index and on `seed` only.
            seed: int32 scalar.
            temperature: float32 scalar that divides the logits (Appendix A); 0 takes the most
                likely intensity everywhere.
            coarse: int32 [B, H, W, C] in [0, 2**coarse_bits), the condition of depth upscaling.
            known: int32 [B, H, W, C]: intensities to keep, UNKNOWN where they are to be drawn.
                Slices that are known throughout cost nothing.
            first_slice: int32 [B, h, w, C], known whole, in size upscaling.
            labels: int32 [B] in [0, num_classes), if the network knows classes.
            on_slice: called after each slice, S * S times in all; eager calls only.

        Returns:
            int32 [B, H, W, C] in [0, 2**bits).

        Raises:
            ValueError: `seed` or an index does not fit its dtype.
        """
        c = self._network.config
        indices, seed, temperature, coarse, known = as_tensors(
            c, indices, seed, temperature, coarse, known
        )
        if labels is not None:
            labels = tf.convert_to_tensor(labels, tf.int32)
        slices = to_slices(known, c)
        if first_slice is not None:
            slices = tf.concat([first_slice[:, None], slices[:, 1:]], axis=1)
        coarse_slices = None if coarse is None else to_slices(coarse, c)

        def drawn(target: tf.Tensor, slices: tf.Tensor) -> tf.Tensor:
            pixels = self._compiled_fill_slice(
                (slices, coarse_slices, indices, labels), (target, seed, temperature)
            )
            here = tf.range(c.scale**2)[:, None, None, None] == target
            return tf.where(here, pixels[:, None], slices)

        def fill(target: tf.Tensor, slices: tf.Tensor) -> tf.Tensor:
            unknown = tf.reduce_any(slices[:, target] == UNKNOWN)
            return tf.cond(unknown, lambda: drawn(target, slices), lambda: slices)

        if tf.inside_function():
            _, slices = tf.while_loop(
                lambda target, _: target < c.scale**2,
                lambda target, slices: (target + 1, fill(target, slices)),
                (0, slices),
            )
            return to_image(slices, c)
        for target in tf.range(c.scale**2):
            slices = fill(target, slices)
            if on_slice is not None:
                on_slice()
        return to_image(slices, c)

    def _fill_slice(
        self,
        slices: tf.Tensor,
        coarse: tf.Tensor | None,
        indices: tf.Tensor,
        labels: tf.Tensor | None,
        target: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """Slice `target`, [B, h, w, C], with its UNKNOWN intensities drawn."""
        context = tf.maximum(slices, 0)  # the network masks UNKNOWN, so any valid number will do
        number = tf.fill([tf.shape(slices)[0]], target)
        interpolated = self._network.interpolation(context, number)
        embedding = self._network.embed(context, number, coarse, interpolated, labels=labels)
        own_coarse = None if coarse is None else coarse[:, target]
        batch = (slices[:, target], own_coarse, embedding, interpolated, indices)
        size = slices.shape[0]
        if size is None:  # in an exported model, which does not know its machine's cores either
            return self._compiled_decode(*batch, target, seed, temperature)
        count = count_parts(size, self._network.decoder.count_params(), self._cores)
        parts = even_parts(batch, size, count)
        drawn = [self._compiled_decode(*part, target, seed, temperature) for part in parts]
        return tf.concat(drawn, axis=0)[:size]

    def _decode(
        self,
        pixels: tf.Tensor,
        coarse: tf.Tensor | None,
        embedding: tf.Tensor | None,
        interpolated: tf.Tensor | None,
        indices: tf.Tensor,
        target: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tf.Tensor:
        """`_fill_slice` for a part of a batch, from the slice's own pixels and coarse bits."""
        draws = PixelDraws(
            self._network.config,
            self._stream,
            pixels,
            coarse,
            indices,
            target,
            seed,
            temperature,
        )
        prediction = None
        if interpolated is not None:
            prediction = CachedPrediction(self._network.config, target, interpolated, coarse)
        batch = tf.shape(pixels)[0]
        decoder = self._network.decoder
        return decode(decoder, embedding, batch, draws, self._kernels, prediction)
