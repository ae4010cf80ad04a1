"""Base class of the generators of GANs: noise and a class to an image."""

import abc

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.shapes import Shape


class ImageGenerator(SerializableLayer):
    """A network of noise and of an embedding of the class.

    Attributes:
        config: sizes of the images and the network.
    """

    config: BigGANConfig

    def call(self, z: tf.Tensor, labels: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Generated images, float32 [B, size, size, channels]; those of BigGAN are in [-1, 1].

        Args:
            z: float32 [B, z_size].
            labels: int32 [B] in [0, num_classes).
            training: whether batch normalisation uses the statistics of the batch, and moves its
                averages towards them.
        """
        return self.of_embedding(z, self.embed(labels), training)

    @abc.abstractmethod
    def embed(self, labels: tf.Tensor) -> tf.Tensor:
        """Embeddings of labels, int32 [B] to float32 [B, units]."""

    @abc.abstractmethod
    def of_embedding(self, z: tf.Tensor, embedding: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Generated images for embeddings from `embed`, or for mixtures of them; see `call`."""

    @property
    def output_dtype(self) -> str:
        return "float32"

    def compute_output_shape(self, z_shape: Shape) -> Shape:
        return z_shape[0], self.config.size, self.config.size, self.config.channels
