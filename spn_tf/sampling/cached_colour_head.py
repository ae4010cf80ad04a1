"""The head of a decoder colour by colour."""

import tensorflow as tf

from spn_tf.colour_head import ColourHead
from spn_tf.sampling.kernels import Kernels


class CachedColourHead:
    """A head whose constructor arranges the weights; see `CachedDecoder`.

    Args:
        head: a built head.
        kernels: of the device.
    """

    def __init__(self, head: ColourHead, kernels: Kernels):
        self._head, dtype = head, kernels.dtype
        kernel, self._bias = (
            tf.cast(x, dtype)
            for x in (
                head.logits.masked_kernel()[0, 0] if head.sees_colours else head.logits.kernel,
                head.logits.bias,
            )
        )
        columns = [self._of_colour(colour) for colour in range(head.colours)]
        self._products = [kernels.product(kernel[:, own]) for own in columns]
        if head.sees_colours:
            self._of_features = kernels.dense(head.of_features)
            self._of_colours = kernels.product(
                tf.cast(head.of_colours.masked_kernel()[0, 0], dtype)
            )
            self._of_colours_bias = tf.cast(head.of_colours.bias, dtype)

    def hidden(self, features: tf.Tensor) -> tf.Tensor:
        """What the colours of a pixel share, from its features [B, D]."""
        if not self._head.sees_colours:
            return features
        return self._of_features(features) + self._of_colours_bias

    def readout(self, hidden: tf.Tensor, units: list[tf.Tensor], colour: int) -> tf.Tensor:
        """Parameters of a colour, [B, .].

        Args:
            hidden: what the colours share.
            units: of the pixel's colours so far, [B, pixel_units] each.
            colour: its number.
        """
        head = self._head
        if head.sees_colours:
            missing = (head.colours - len(units)) * head.pixel_units
            unknown = tf.zeros([tf.shape(hidden)[0], missing], hidden.dtype)
            hidden = tf.nn.relu(hidden + self._of_colours(tf.concat([*units, unknown], axis=-1)))
        return self._products[colour](hidden) + self._bias[self._of_colour(colour)]

    def _of_colour(self, colour: int) -> slice:
        count = self._head.parameters
        return slice(colour * count, (colour + 1) * count)
