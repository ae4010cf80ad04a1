"""Standing statistics: BatchNorm's, as means over many batches of samples (BigGAN, appendix C.1).

The moving averages of training belong to weights that were changing, and not to the Polyak
averages of the weights, which samples are made with.
"""

from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from wavelet_tf.biggan.conditional_batch_norm import MOMENTUM
from wavelet_tf.biggan.generator import Generator


def standing_statistics(
    generator: Generator,
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
    in_training: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
) -> None:
    """Puts the plain means over batches into all moving means and variances; runs eagerly.

    Args:
        generator: its weights are those that it will sample with.
        batches: noise float32 [B, z_size] and labels int32 [B], as in training.
        in_training: calls the generator in training mode; one that is compiled serves many calls.

    Raises:
        ValueError: there is no batch.
    """
    statistics = [
        variable
        for layer in generator._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in (layer.moving_mean, layer.moving_variance)
    ]
    run = in_training or (lambda z, labels: generator(z, labels, training=True))
    of_batches = []
    for z, labels in batches:
        # From zero, one step of the moving average leaves the batch's statistics, scaled.
        for variable in statistics:
            variable.assign(tf.zeros_like(variable))
        run(z, labels)
        of_batches.append([variable.numpy() / (1 - MOMENTUM) for variable in statistics])
    if not of_batches:
        raise ValueError("standing statistics need at least one batch")
    for variable, values in zip(statistics, zip(*of_batches, strict=True), strict=True):
        variable.assign(sum(values) / len(values))
