"""The Subscale Pixel Network: slice embedder and slice decoder (section 3.2, Figure 4)."""

import math
from typing import Any

import keras
import tensorflow as tf

from spn_tf.attention import Dropout, no_dropout
from spn_tf.config import SPNConfig
from spn_tf.ordering import image_to_slices
from spn_tf.shapes import Shape
from spn_tf.slice_decoder import SliceDecoder
from spn_tf.slice_embedder import SliceEmbedder


class SubscalePixelNetwork(keras.layers.Layer):
    """p(slice | slices before it), for every slice of an image with one set of weights.

    At scale 1 the image is its only slice and there is no embedder: the decoder baseline.
    """

    def __init__(self, config: SPNConfig, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.decoder = SliceDecoder(config, dtype=self.dtype_policy, name="decoder")
        self.embedder = None
        if config.scale > 1:
            self.embedder = SliceEmbedder(config, dtype=self.dtype_policy, name="embedder")

    def build(self, input_shape: Shape | None = None) -> None:
        self.decoder.build()
        if self.embedder is not None:
            self.embedder.build()
        self.built = True

    def embed(
        self, slices: tf.Tensor, target: tf.Tensor, dropout: Dropout = no_dropout
    ) -> tf.Tensor | None:
        """The slice embedding [B, h, w, .] of int32 `target` [B]; None at scale 1."""
        if self.embedder is None:
            return None
        return self.embedder(slices, target, dropout=dropout)

    def call(
        self, slices: tf.Tensor, target: tf.Tensor, dropout: Dropout = no_dropout
    ) -> tf.Tensor:
        """Logits float32 [B, h, w, C, levels] of the target slice.

        Args:
            slices: int32 [B, S*S, h, w, C].
            target: int32 [B].
        """
        embedding = self.embed(slices, target, dropout)
        return self.decoder(tf.gather(slices, target, batch_dims=1), embedding, dropout=dropout)

    def slice_nats(
        self, images: tf.Tensor, target: tf.Tensor, dropout: Dropout = no_dropout
    ) -> tf.Tensor:
        """-log p of one slice per image given the slices before it, float32 [B], nats.

        Args:
            images: int32 [B, H, W, C] in [0, 2**bits).
            target: int32 [B], which slice.
        """
        slices = image_to_slices(images, self.config.scale)
        logits = self(slices, target, dropout=dropout)
        pixels = tf.gather(slices, target, batch_dims=1)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(pixels, logits)
        return tf.reduce_sum(nats, axis=[1, 2, 3])

    def image_nats(self, images: tf.Tensor) -> tf.Tensor:
        """-log p of whole images, exactly: the sum over all slices (equation 2), float32 [B]."""
        batch = tf.shape(images)[0]

        def add_slice(m: tf.Tensor, nats: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return m + 1, nats + self.slice_nats(images, tf.fill([batch], m))

        _, nats = tf.while_loop(
            lambda m, _: m < self.config.scale**2,
            add_slice,
            (tf.constant(0), tf.zeros([batch], self.variable_dtype)),
            maximum_iterations=self.config.scale**2,
            parallel_iterations=1,
        )
        return nats

    def bits_per_dim(self, nats: tf.Tensor) -> tf.Tensor:
        """Nats per image to bits per dimension: nats / (H * W * C * ln 2)."""
        return nats / (self.config.dimensions * math.log(2.0))
