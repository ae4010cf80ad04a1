"""The Subscale Pixel Network: slice embedder and slice decoder (section 3.2, Figure 4)."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.attention import Dropout, no_dropout
from spn_tf.config import SPNConfig
from spn_tf.ordering import image_to_slices
from spn_tf.shapes import Shape
from spn_tf.slice_decoder import SliceDecoder
from spn_tf.slice_embedder import SliceEmbedder


class SubscalePixelNetwork(SerializableLayer):
    """p(slice | slices before it), for every slice of an image with one set of weights.

    At scale 1 the image is its only slice and there is no embedder: the decoder baseline. With
    coarse bits it is a depth-upscaling network, p(image | its coarse bits) (equation 4), which
    has an embedder at every scale.
    """

    def __init__(self, config: SPNConfig, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.decoder = SliceDecoder(config, dtype=self.dtype_policy, name="decoder")
        self.embedder = None
        if config.has_embedder:
            self.embedder = SliceEmbedder(config, dtype=self.dtype_policy, name="embedder")

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        self.decoder.build()
        if self.embedder is not None:
            self.embedder.build()
        self.built = True

    def embed(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor | None:
        """The slice embedding [B, h, w, .], or None; for the arguments see call."""
        if self.embedder is None:
            return None
        return self.embedder(slices, target, coarse, dropout=dropout)

    def call(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Logits float32 [B, h, w, C, classes] of the target slice.

        Args:
            slices: int32 [B, S*S, h, w, C] in [0, 2**bits). The target and those after it need
                not be known; a pixel's logits depend on what comes before it alone.
            target: int32 [B].
            coarse: int32 [B, S*S, h, w, C] in [0, 2**coarse_bits), given in depth upscaling.
        """
        embedding = self.embed(slices, target, coarse, dropout)
        return self.decoder(tf.gather(slices, target, batch_dims=1), embedding, dropout=dropout)

    def compute_output_shape(self, slices_shape: Shape) -> Shape:
        batch, _, height, width, channels = slices_shape
        return batch, height, width, channels, self.config.classes

    def slice_nats(
        self, images: tf.Tensor, target: tf.Tensor, dropout: Dropout = no_dropout
    ) -> tf.Tensor:
        """-log p of one slice per image given all that precedes it, float32 [B], nats.

        Args:
            images: int32 [B, H, W, C] in [0, 2**bits); their coarse bits are what is given.
            target: int32 [B], which slice.
        """
        c = self.config
        slices = image_to_slices(images, c.scale)
        coarse = slices // c.classes if c.coarse_bits else None
        logits = self(slices, target, coarse, dropout=dropout)
        pixels = tf.gather(slices, target, batch_dims=1) % c.classes
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(pixels, logits)
        return tf.reduce_sum(nats, axis=[1, 2, 3])

    def all_slice_nats(self, images: tf.Tensor) -> tf.Tensor:
        """`slice_nats` of every slice, float32 [B, S*S]: the terms of equation 2."""
        batch = tf.shape(images)[0]
        nats = tf.map_fn(
            lambda m: self.slice_nats(images, tf.fill([batch], m)),
            tf.range(self.config.scale**2),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec([None], self.variable_dtype),
        )
        return tf.transpose(nats)

    def image_nats(self, images: tf.Tensor) -> tf.Tensor:
        """-log p of whole images, exactly: the sum over all slices (equation 2), float32 [B]."""
        return tf.reduce_sum(self.all_slice_nats(images), axis=1)
