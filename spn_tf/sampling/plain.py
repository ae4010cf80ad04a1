"""The reference sampler: equation 2 of the paper, word for word.

    p(image) = product over slices m, and over subpixels t of slice m, of
               p(x[m, t] | earlier slices, earlier subpixels of slice m)

Every factor is one distribution of the network. So the sampler visits the subpixels in order and
runs the whole network at each. It draws from the logits of that one subpixel, and writes the
result where later subpixels see it. It caches nothing, needs no compiler, and runs on any device.

It is slow: an image of H x W x C takes H * W * C passes of the network. `Sampler` draws exactly
the same images from cached intermediate results; the tests compare the two.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.randomness import gumbel
from spn_tf.ordering import to_image, to_slices
from spn_tf.sampling.arguments import UNKNOWN, as_tensors
from spn_tf.subscale_pixel_network import SubscalePixelNetwork


def plain_sample(
    network: SubscalePixelNetwork,
    stream: str,
    indices: Any,
    seed: Any = 0,
    temperature: Any = 1.0,
    coarse: Any = None,
    known: Any = None,
    labels: Any = None,
) -> tf.Tensor:
    """Draws one image for each index, one pass of the network for each subpixel.

    For eager calls only; the pass itself is compiled as a `tf.function`.

        >>> from spn_tf.config import SPNConfig
        >>> config = SPNConfig(
        ...     height=2, width=2, channels=1, bits=3, scale=1, ffn_size=8,
        ...     decoder_attention_layers=1, pixelcnn_layers=1, pixelcnn_conv_channels=8,
        ...     pixelcnn_residual_channels=16,
        ... )
        >>> network = SubscalePixelNetwork(config)
        >>> network.build()
        >>> plain_sample(network, "example", indices=range(5)).shape
        TensorShape([5, 2, 2, 1])

    Args:
        network: a built network.
        stream: name of the noise, as for `Sampler`.
        indices: int64 [B]. The noise of an image depends on its index, `seed` and `stream` only.
        seed: int32 scalar.
        temperature: float32 scalar that divides the logits (Appendix A); 0 takes the most likely
            intensity everywhere.
        coarse: int32 [B, H, W, C] in [0, 2**coarse_bits), the condition of depth upscaling.
        known: int32 [B, H, W, C], intensities to keep, UNKNOWN where they are to be drawn.
        labels: int32 [B] in [0, num_classes), if the network knows classes.

    Returns:
        int32 [B, H, W, C] in [0, 2**bits).

    Raises:
        ValueError: `seed` or an index does not fit its dtype.
    """
    c = network.config
    indices, seed, temperature, coarse, known = as_tensors(
        c, indices, seed, temperature, coarse, known
    )
    slices = to_slices(known, c).numpy()
    if labels is not None:
        labels = tf.convert_to_tensor(labels, tf.int32)
    coarse_slices = None if coarse is None else to_slices(coarse, c)

    @tf.function(autograph=False)
    def logits_and_noise(
        slices: tf.Tensor, target: tf.Tensor, pixel: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The target slice's logits [B, h, w, C, classes]; a pixel's noise [B, C, classes]."""
        number = tf.fill([tf.shape(indices)[0]], target)
        logits = network(slices, number, coarse_slices, labels=labels)
        noise = gumbel(seed, stream, indices, c.channels * c.classes, pixel)
        return logits, tf.reshape(noise, [-1, c.channels, c.classes])

    for target, row, column, colour in np.ndindex(*slices.shape[1:]):
        unknown = slices[:, target, row, column, colour] == UNKNOWN
        # 1. A teacher-forced pass. The network masks the unknown subpixels, so 0 may stand for
        #    them: the logits of a subpixel depend on those before it alone.
        pixel = (target * c.slice_height + row) * c.slice_width + column
        logits, noise = logits_and_noise(
            tf.constant(np.maximum(slices, 0)), tf.constant(target), tf.constant(pixel)
        )
        # 2. A draw from softmax(logits / temperature): argmax(logits / temperature + Gumbel
        #    noise), multiplied by the temperature, so that temperature 0 is defined as well.
        scores = logits[:, row, column, colour] + temperature * noise[:, colour]
        intensity = tf.argmax(scores, axis=-1, output_type=tf.int32).numpy()
        # 3. In depth upscaling the network draws the remaining bits only (equation 4).
        if coarse_slices is not None:
            intensity += coarse_slices[:, target, row, column, colour].numpy() * c.classes
        # 4. Later subpixels see the result.
        slices[unknown, target, row, column, colour] = intensity[unknown]
    return to_image(tf.constant(slices), c)
