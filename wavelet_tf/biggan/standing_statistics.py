"""Standing statistics: BatchNorm's, averaged over many batches of samples (BigGAN, appendix C.1).

Samples are generated with Polyak averages of the weights. The moving statistics of training belong
to the changing weights instead.
"""

from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from wavelet_tf.biggan.batch_norm import MOMENTUM
from wavelet_tf.biggan.image_generator import ImageGenerator

_BATCH_SIZE = 64


def standing_batches(batches: int, largest: int | None) -> tuple[int, int]:
    """Number and size of batches, at most `largest`, with as many samples as `batches` of 64.

    >>> standing_batches(16, None), standing_batches(16, 30)
    ((16, 64), (35, 30))
    """
    size = min(_BATCH_SIZE, largest or _BATCH_SIZE)
    return -(-batches * _BATCH_SIZE // size), size


def standing_statistics(
    generator: ImageGenerator,
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
    in_training: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
) -> None:
    """Sets all moving means and variances, if any, to their plain means over batches; eagerly.

    Args:
        generator: with the weights that it will sample with.
        batches: noise float32 [B, z_size] and labels int32 [B], distributed as in sampling.
        in_training: calls the generator in training mode, for example as a `tf.function`.

    Raises:
        ValueError: there is no batch.
    """
    statistics = [
        variable
        for layer in generator._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in (layer.moving_mean, layer.moving_variance)
    ]
    if not statistics:
        return
    run = in_training or (lambda z, labels: generator(z, labels, training=True))
    batch_statistics = []
    for z, labels in batches:
        # From zero, one update of the moving average gives (1 - MOMENTUM) times the batch's.
        for variable in statistics:
            variable.assign(tf.zeros_like(variable))
        run(z, labels)
        batch_statistics.append([variable.numpy() / (1 - MOMENTUM) for variable in statistics])
    if not batch_statistics:
        raise ValueError("standing statistics need at least one batch")
    for variable, values in zip(statistics, zip(*batch_statistics, strict=True), strict=True):
        variable.assign(sum(values) / len(values))
