"""The targets of one stage, written to a stream and read from it, slice after slice."""

import contextlib
import threading
from collections.abc import Callable

import constriction
import numpy as np
import tensorflow as tf

from cascade_tf.errors import UserError
from spn_tf.compression import range_decoder
from spn_tf.compression.coded_slice import CodedSlice, CodedState
from spn_tf.compression.integer_probabilities import (
    PRECISION,
    SHIFTS,
    STEPS,
    left_cumulatives,
    weight_table,
)
from spn_tf.compression.range_decoder import RangeState
from spn_tf.convolution import as_products
from spn_tf.ordering import to_image, to_slices
from spn_tf.parallel_multiscale.parallel_decoder import ParallelDecoder
from spn_tf.sampling.cached_prediction import CachedPrediction
from spn_tf.sampling.decode import decode
from spn_tf.sampling.sampler import kernels_of_this_machine
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

_MODEL = constriction.stream.model.Categorical(perfect=False)
# Takes the symbols int [h, w, C, B] and exponents [h, w, C, B, classes] of a slice, and its shift.
OnSlice = Callable[[np.ndarray, np.ndarray, int], None]
# Of the shifts of a slice, of which 0 is the most likely by far.
_SHIFT_EXPONENTS = np.array([0] + [8 * STEPS] * (SHIFTS - 1), np.int32)
# For float64: a hundred times the largest difference of logits between machines that was measured.
_MARGIN = 1e-11 * STEPS


class StreamWriter:
    """A stream of intensities, as constriction's range encoder writes them."""

    def __init__(self) -> None:
        self._encoder = constriction.stream.queue.RangeEncoder()

    def write(self, symbols: np.ndarray, exponents: np.ndarray) -> None:
        """Appends symbols, int [...], with the exponents of their probabilities, [..., classes]."""
        weights = weight_table()[exponents.reshape(-1, exponents.shape[-1])]
        self._encoder.encode(np.ascontiguousarray(symbols.reshape(-1), np.int32), _MODEL, weights)

    def write_shift(self, shift: int) -> None:
        """Appends the shift of a slice."""
        self.write(np.array([shift]), _SHIFT_EXPONENTS)

    def words(self) -> np.ndarray:
        """The stream so far, uint32 [W]."""
        return self._encoder.get_compressed()


class StreamReader:
    """A stream, and the place of its decoder.

    Args:
        words: uint32 [W]; zeros follow.
    """

    def __init__(self, words: np.ndarray):
        self._words, self._decoder = words, range_decoder.start(words)

    @property
    def is_exceeded(self) -> bool:
        """Whether zeros were read after the last word."""
        return int(self._decoder.position) > len(self._words)

    def window(self, size: int) -> tuple[RangeState, np.ndarray]:
        """The decoder in the next `size` words, and these words, uint32 [size]."""
        start = int(self._decoder.position)
        window = np.zeros([size], np.uint32)
        found = self._words[start : start + size]
        window[: len(found)] = found
        return self._decoder._replace(position=tf.constant(0)), window

    def read_shift(self) -> int:
        """The shift that a slice begins with."""
        decoder, window = self.window(1)
        bounds = left_cumulatives(tf.constant(_SHIFT_EXPONENTS[None]))
        decoder, symbols = range_decoder.decode(
            decoder, tf.constant(window), bounds, tf.constant(1)
        )
        self.advance(decoder)
        return int(symbols[0])

    def advance(self, decoder: RangeState) -> None:
        """Moves on to the decoder after a window."""
        position = self._decoder.position + decoder.position
        self._decoder = decoder._replace(position=position)


class StageCoder:
    """Writes and reads the targets of one network.

    Args:
        network: a built network. One of float64 has the same code on all machines.
    """

    def __init__(self, network: SubscalePixelNetwork):
        self._network = network
        self._kernels = kernels_of_this_machine(network.compute_dtype)
        self._margin = _MARGIN if network.compute_dtype == "float64" else 0.0
        # By XLA, as TensorFlow's own kernels round by processor and threads.
        self._compiled_code_slice = tf.function(self._code_slice, jit_compile=True, autograph=False)
        # Threads that call the program for the first time would each compile it.
        self._compiling, self._is_compiled = threading.Lock(), False

    def code(
        self,
        target: np.ndarray,
        known: bool,
        stream: StreamReader,
        count: int,
        on_slice: OnSlice,
        coarse: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        skip_first: bool = False,
    ) -> np.ndarray:
        """Goes through the slices of a batch.

        Args:
            target: int32 [B, H, W, C]; the true one if `known`, else only its first slice counts,
                if that is skipped.
            stream: to read; if `known`, its words do not matter.
            count: images that the stream holds; the others are of no use.
            on_slice: called after each slice.
            coarse: int32 [B, H, W, C], the condition of depth upscaling.
            labels: int32 [B].
            skip_first: the first slice is given.

        Returns:
            The target, int32 [B, H, W, C].
        """
        c = self._network.config
        slices = to_slices(tf.constant(target, tf.int32), c)
        coarse_slices = None
        if coarse is not None:
            coarse_slices = to_slices(tf.constant(coarse, tf.int32), c)
        most = len(target) * c.slice_height * c.slice_width * c.channels * PRECISION // 32 + 2
        for number in range(int(skip_first), c.scale**2):
            for shift in range(SHIFTS) if known else [stream.read_shift()]:
                decoder, window = stream.window(most)
                first = contextlib.nullcontext() if self._is_compiled else self._compiling
                with first, as_products():
                    coded = self._compiled_code_slice(
                        *(slices, coarse_slices, labels, tf.constant(number), tf.constant(known)),
                        *(decoder, tf.constant(window), tf.constant(count), tf.constant(shift)),
                    )
                    self._is_compiled = True
                if not coded.unsure:
                    break
            if known and coded.unsure:
                raise UserError("the model's probabilities are too close to be portable")
            stream.advance(coded.decoder)
            here = tf.range(c.scale**2)[:, None, None, None] == number
            slices = tf.where(here, coded.pixels[:, None], slices)
            symbols = np.moveaxis(coded.pixels.numpy() % c.classes, 0, -1)
            exponents = coded.exponents.numpy()
            if isinstance(self._network.decoder, ParallelDecoder):  # it goes colour by colour
                symbols, exponents = (np.moveaxis(x, 2, 0) for x in (symbols, exponents))
            on_slice(symbols, exponents, shift)
        return to_image(slices, c).numpy()

    def _code_slice(
        self,
        slices: tf.Tensor,
        coarse: tf.Tensor | None,
        labels: tf.Tensor | None,
        number: tf.Tensor,
        known: tf.Tensor,
        decoder: RangeState,
        words: tf.Tensor,
        count: tf.Tensor,
        shift: tf.Tensor,
    ) -> CodedState:
        """Codes slice `number`; slices and coarse are int32 [B, S^2, h, w, C]."""
        network, c = self._network, self._network.config
        # Later slices are masked, but rounding must not depend on them either.
        earlier = tf.range(c.scale**2)[:, None, None, None] < number
        context = tf.where(earlier, slices, 0)
        numbers = tf.fill([slices.shape[0]], number)
        interpolated = network.interpolation(context, numbers)
        embedding = network.embed(context, numbers, coarse, interpolated, labels=labels)
        own, own_coarse = (
            None if x is None else tf.gather(x, number, axis=1) for x in (slices, coarse)
        )
        prediction = None
        if interpolated is not None:
            prediction = CachedPrediction(c, number, interpolated, own_coarse)
        state = RangeState(*decoder)
        chooser = CodedSlice(c, own, known, own_coarse, state, words, count, shift, self._margin)
        return decode(
            network.decoder, embedding, slices.shape[0], chooser, self._kernels, prediction
        )
