"""The Subscale Pixel Network: slice embedder and slice decoder (section 3.2, Figure 4)."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.bit_depth import quantize
from spn_tf.config import SPNConfig
from spn_tf.decoders import DecoderConfig, decoder_of
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.guide_embedding import GuideEmbedding
from spn_tf.intensity_prediction import Prediction, interpolation, median_edges, middle, predict
from spn_tf.ordering import to_image, to_slices
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.shapes import Shape
from spn_tf.slice_embedder import SliceEmbedder


class SubscalePixelNetwork(SerializableLayer):
    """p(slice | slices before it), for every slice of an image with one set of weights.

    At scale 1 the image is its only slice, and there is no embedder: this is the decoder baseline.
    With coarse bits it is a depth-upscaling network, p(image | its coarse bits) (equation 4), with
    an embedder at every scale.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = SPNConfig(
        ...     height=4, width=4, bits=3, scale=2, ffn_size=8, decoder_attention_layers=1,
        ...     pixelcnn_layers=1, pixelcnn_conv_channels=8, pixelcnn_residual_channels=6,
        ...     embedder_attention_layers=1, embedder_conv_layers=1, embedder_residual_channels=16,
        ... )
        >>> network = SubscalePixelNetwork(config)
        >>> images = tf.zeros([2, 4, 4, 3], tf.uint8)
        >>> log_prob = network.log_prob(images)
        >>> log_prob.shape, bool(tf.reduce_all(log_prob < 0))
        (TensorShape([2]), True)
    """

    def __init__(self, config: DecoderConfig, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.decoder = decoder_of(config, dtype=self.dtype_policy, name="decoder")
        self.embedder = None
        if config.has_embedder:
            assert isinstance(config, SPNConfig | ParallelConfig)
            self.embedder = SliceEmbedder(config, dtype=self.dtype_policy, name="embedder")
        self.guide = None
        if config.guide_size:
            self.guide = GuideEmbedding(
                config.guide_codes,
                config.guide_size,
                config.height,
                config.embedding_channels,
                config.guide_layers,
                dtype=self.dtype_policy,
                name="guide",
            )
        self.class_embedding = None
        if config.num_classes > 1:
            self.class_embedding = keras.layers.Embedding(
                config.num_classes,
                config.embedding_channels,
                dtype=self.dtype_policy,
                name="class_embedding",
            )

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        self.decoder.build()
        if self.embedder is not None:
            self.embedder.build()
        if self.guide is not None:
            self.guide.build()
        if self.class_embedding is not None:
            self.class_embedding.build()
        self.built = True

    def embed(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None = None,
        interpolated: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
        labels: tf.Tensor | None = None,
    ) -> tf.Tensor | None:
        """The slice embedding [B, h, w, .], or None without an embedder, a guide and classes.

        Arguments as in `call`; `interpolated` is that of `interpolation`.
        """
        c, terms = self.config, []
        if self.embedder is not None:
            center = interpolated if c.relative else None
            terms.append(self.embedder(slices, target, coarse, center, dropout=dropout))
        if self.guide is None and self.class_embedding is None:
            return terms[0] if terms else None
        if labels is None:
            raise ValueError(
                f"labels: there are none; name the class of each image, 0 to {c.num_classes - 1}"
                + ", and its guide" * (self.guide is not None)
            )
        if self.guide is not None:
            labels, guide = labels[:, 0], labels[:, 1:]
            terms.append(tf.gather(to_slices(self.guide(guide), c), target, batch_dims=1))
        if self.class_embedding is not None:
            of_class = self.class_embedding(labels)[:, None, None]
            whole = [1, c.slice_height, c.slice_width, 1]
            terms.append(of_class if terms else tf.tile(of_class, whole))
        return sum(terms[1:], terms[0])

    def interpolation(self, slices: tf.Tensor, target: tf.Tensor) -> tf.Tensor | None:
        """A prediction of the target from earlier slices, int32 [B, h, w, C].

        It is the middle of the range for distributions that are not relative to predictions, and
        None for a softmax, which needs none. Arguments as in `call`.
        """
        c = self.config
        if c.relative:
            return interpolation(slices, target, c.levels)
        return tf.fill(tf.shape(slices[:, 0]), c.levels // 2) if c.is_mixture else None

    def call(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
        labels: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Logits float32 [B, h, w, C, classes] of the target slice.

        Args:
            slices: int32 [B, S*S, h, w, C] in [0, 2**bits). Later slices may hold anything: an
                intensity's logits depend on the intensities before it alone.
            target: int32 [B], number of the target slice.
            coarse: int32 [B, S*S, h, w, C] in [0, 2**coarse_bits), in depth upscaling only.
            dropout: of residual branches.
            labels: int32 [B] in [0, num_classes); ignored if the model is unconditional. With a
                guide, int32 [B, 1 + guide_size**2]: the class, then the guide in raster order.

        Raises:
            ValueError: the model knows classes or a guide, and there are no labels.
        """
        parameters, prediction = self._distributions(slices, target, coarse, dropout, labels)
        return self.decoder.distribution.logits(parameters, prediction)

    def _distributions(
        self,
        slices: tf.Tensor,
        target: tf.Tensor,
        coarse: tf.Tensor | None,
        dropout: Dropout,
        labels: tf.Tensor | None,
    ) -> tuple[tf.Tensor, Prediction | None]:
        """The distributions of the target slice, float32 [B, h, w, C, .], and its predictions."""
        c = self.config
        pixels = tf.gather(slices, target, batch_dims=1)
        interpolated = self.interpolation(slices, target)
        prediction = predicted = lowest = None
        if coarse is not None:
            lowest = tf.gather(coarse, target, batch_dims=1) * c.classes
        if c.relative:
            first = (target == 0)[:, None, None, None]
            edges = median_edges(pixels, c.levels)
            if c.block is not None:  # blocks on the left and above are drawn before
                image = to_image(pixels[:, None], c)
                edges = to_slices(median_edges(image, c.levels), c)[:, 0]
            spatial = tf.where(first, edges, interpolated)
            prediction = predict(spatial, pixels, lowest, c.levels, c.classes)
            predicted = prediction.intensity
        elif interpolated is not None:
            prediction = middle(interpolated, pixels, lowest)
        embedding = self.embed(slices, target, coarse, interpolated, dropout, labels)
        return self.decoder(pixels, embedding, predicted, dropout=dropout), prediction

    @property
    def output_dtype(self) -> str:
        return self.variable_dtype

    def compute_output_shape(self, slices_shape: Shape) -> Shape:
        batch, _, height, width, channels = slices_shape
        return batch, height, width, channels, self.config.classes

    def slice_nats(
        self,
        images: tf.Tensor,
        target: tf.Tensor,
        dropout: Dropout = no_dropout,
        labels: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """-log p(slice | slices before it) for one slice of each image, float32 [B] nats.

        Args:
            images: int32 [B, H, W, C] in [0, 2**bits). In depth upscaling, their coarse bits are
                the condition.
            target: int32 [B], number of the slice.
            dropout, labels: see `call`.
        """
        c = self.config
        slices = to_slices(images, c)
        coarse = slices // c.classes if c.coarse_bits else None
        parameters, prediction = self._distributions(slices, target, coarse, dropout, labels)
        pixels = tf.gather(slices, target, batch_dims=1) % c.classes
        nats = self.decoder.distribution.nats(parameters, prediction, pixels)
        return tf.reduce_sum(nats, axis=[1, 2, 3])

    def all_slice_nats(
        self,
        images: tf.Tensor,
        labels: tf.Tensor | None = None,
        side_by_side: int = 1,
        first: int = 0,
    ) -> tf.Tensor:
        """`slice_nats` of slices from `first` on, float32 [B, slices]: the terms of equation 2.

        Args:
            images: int32 [B, H, W, C] in [0, 2**bits).
            labels: see `call`.
            side_by_side: slices that may be computed at the same time, in so many times the memory.
            first: number of the first slice.
        """
        batch = tf.shape(images)[0]
        nats = tf.map_fn(
            lambda m: self.slice_nats(images, tf.fill([batch], m), labels=labels),
            tf.range(first, self.config.scale**2),
            parallel_iterations=side_by_side,
            fn_output_signature=tf.TensorSpec(images.shape[:1], self.variable_dtype),
        )
        return tf.transpose(nats)

    def image_nats(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """-log p of whole images, exactly: the sum over all slices (equation 2), float32 [B] nats.

        Args:
            images: integers [B, H, W, C] in [0, 2**bits). For images on the 8-bit scale, use
                `log_prob`.
            labels: see `call`.

        Raises:
            ValueError: intensities out of range; checked in eager calls only.
        """
        images = tf.cast(images, tf.int32)
        if tf.executing_eagerly():
            _check_intensities(images, self.config)
        return tf.reduce_sum(self.all_slice_nats(images, labels), axis=1)

    def log_prob(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """Log-likelihood of images at the network's bit depth, float32 [B] nats, 0 or less.

        In depth upscaling it is log p(further bits | coarse bits) (equation 4). Divided by
        -H * W * C * log(2) it is bits per dimension.

        Args:
            images: uint8 [B, H, W, C] on the 8-bit scale. The network models their `bits` most
                significant bits (section 2.4).
            labels: see `call`.

        Raises:
            ValueError: images of another dtype or size.
        """
        images = tf.convert_to_tensor(images)
        c = self.config
        sides = [c.slice_height * c.scale, c.slice_width * c.scale, c.channels]
        if images.dtype != tf.uint8 or not images.shape.is_compatible_with([None, *sides]):
            raise ValueError(
                f"images are {images.dtype.name} {images.shape}; use uint8 {[None, *sides]}"
            )
        return -self.image_nats(quantize(images, c.bits), labels)


def _check_intensities(images: tf.Tensor, config: AutoregressiveConfig) -> None:
    lowest, highest = int(tf.reduce_min(images)), int(tf.reduce_max(images))
    if lowest < 0 or highest >= config.levels:
        raise ValueError(
            f"images have intensities from {lowest} to {highest}; at {config.bits} bits the range "
            f"is 0 to {config.levels - 1}. For uint8 images on the 8-bit scale, use log_prob"
        )
