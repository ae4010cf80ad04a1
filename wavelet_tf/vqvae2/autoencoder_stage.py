"""VQ-VAE-2's autoencoder as a stage: from codes to the image (Razavi et al., section 3.1)."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.optimizers import Adam, apply_gradients
from cascade_tf.pictures import resize_nearest
from cascade_tf.sample_request import OnProgress
from cascade_tf.xla_choice import with_or_without_xla
from wavelet_tf.decoding_stage import DecodingStage
from wavelet_tf.unit_images import to_uint8, unit_range
from wavelet_tf.vqvae2.autoencoder import Autoencoder, Encoded
from wavelet_tf.vqvae2.code_maps import joined, parted, pictured
from wavelet_tf.vqvae2.codebook import Assignments, Codebook, candidate_draw
from wavelet_tf.vqvae2.config import AutoencoderTrainingConfig, VQVAE2Config


class AutoencoderStage(DecodingStage):
    """Codes to images; trained together with the encoder that makes the codes.

    The loss is the mean squared error of images in [-1, 1], and beta times that of the encodings
    from the vectors that replace them (equation 2). Codebooks follow the encodings; see `Codebook`.

    Args:
        config: sizes.
        training: settings of its training.

    >>> stage = AutoencoderStage(VQVAE2Config(image_size=32), AutoencoderTrainingConfig())
    >>> stage.name, stage.image_shape
    ('autoencoder', (32, 32, 3))
    """

    name = "autoencoder"
    headline = "mse"

    def __init__(self, config: VQVAE2Config, training: AutoencoderTrainingConfig):
        self.config, self.training = config, training
        self.image_shape = config.image_size, config.image_size, config.channels
        self.description = Description("vqvae2", (config, training))
        self.jit_compile = training.jit_compile
        self._compiled_gradients = with_or_without_xla(self._gradients, training.jit_compile)

    def build_network(self) -> None:
        """Creates the network's weights, without an optimizer."""
        policy = self.training.dtype_policy
        self.autoencoder = Autoencoder(self.config, dtype=policy, name=self.name)
        self.autoencoder.build()

    def build(self) -> None:
        t = self.training
        self.build_network()
        self.optimizer = Adam(
            t.schedule(), beta_1=t.adam_beta_1, beta_2=t.adam_beta_2, epsilon=t.adam_epsilon
        )
        self.optimizer.build(self.autoencoder.trainable_variables)
        self.build_sampling()

    def networks(self) -> Mapping[str, keras.Layer]:
        return {"autoencoder": self.autoencoder}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        return {"optimizer": self.optimizer}

    @property
    def codebooks(self) -> tuple[Codebook, Codebook]:
        """Of the top map and of the bottom map."""
        return self.autoencoder.top, self.autoencoder.bottom

    def averaged_variables(self) -> Sequence[keras.Variable]:
        """The weights, and the codebooks that belong to them."""
        return self.autoencoder.trainable_variables + self.autoencoder.non_trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> dict[str, tf.Tensor]:
        t, context = self.training, tf.distribute.get_replica_context()
        metrics, assignments, gradients = self._compiled_gradients(
            examples, step, context.num_replicas_in_sync
        )
        metrics["learning_rate"] = tf.identity(self.optimizer.learning_rate)
        variables = self.autoencoder.trainable_variables
        metrics["gradient_norm"] = apply_gradients(
            self.optimizer, gradients, variables, t.clip_norm
        )
        summed = [
            Assignments(*context.all_reduce(tf.distribute.ReduceOp.SUM, [*own]))
            for own in assignments
        ]
        for codebook, own in zip(self.codebooks, summed, strict=True):
            codebook.update(own, t.codebook_decay, t.codebook_restart)
            metrics |= _use(codebook.name, own.counts)
        return metrics

    def _gradients(
        self, examples: Examples, step: tf.Tensor, replicas: int = 1
    ) -> tuple[dict[str, tf.Tensor], list[Assignments], list[tf.Tensor]]:
        """Losses, what the encodings say about the codebooks, and the gradients."""
        images = unit_range(examples.images)
        with tf.GradientTape() as tape:
            maps = self.autoencoder.encode(images)
            reconstructed = self.autoencoder.decode_encodings(*maps)
            mse = tf.reduce_mean(tf.math.squared_difference(images, reconstructed))
            loss = 4 * mse + self.training.commitment * self._commitment(maps)
            scaled = loss / replicas
        gradients = tape.gradient(scaled, self.autoencoder.trainable_variables)
        batch = images.shape[0] * replicas
        places = tf.cast(examples.indices - step * batch, tf.int32)
        seed = self.training.seed
        assignments = [
            codebook.assignments(
                *own, places, batch, candidate_draw(seed, codebook.name, step, codebook.codes)
            )
            for codebook, own in zip(self.codebooks, maps, strict=True)
        ]
        return {"loss": loss, "mse": mse}, assignments, gradients

    def _commitment(self, maps: tuple[Encoded, Encoded]) -> tf.Tensor:
        """Mean squared distance of encodings and their vectors, summed over the maps."""
        return tf.add_n(
            [
                tf.reduce_mean(
                    tf.math.squared_difference(
                        own.encodings, tf.stop_gradient(codebook.look_up(own.codes))
                    )
                )
                for codebook, own in zip(self.codebooks, maps, strict=True)
            ]
        )

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        images = unit_range(examples.images)
        top, bottom = self.autoencoder.encode(images)
        reconstructed = self.autoencoder.decode(top.codes, bottom.codes)
        return {"mse": tf.reduce_mean(tf.math.squared_difference(images, reconstructed), [1, 2, 3])}

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Codes of uint8 images [B, H, W, C], int32 [B, h, w, 2] as of `joined`."""
        top, bottom = self.autoencoder.encode(unit_range(images))
        return joined(top.codes, bottom.codes)

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Images of codes, int32 [B, h, w, 2] as of `joined`; float32 [B, H, W, C]."""
        return self.autoencoder.decode(*parted(codes))

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return unit_range(images)

    def condition(self, images: tf.Tensor) -> tf.Tensor:
        return self.encode(images)

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, 1)

    def previews(self, examples: Examples, on_progress: OnProgress) -> dict[str, np.ndarray]:
        """For each image a row of its top codes, bottom codes, reconstruction, and itself."""
        codes = self.encode(examples.images)
        height, width, channels = examples.images.shape[1:]
        columns = [
            resize_nearest(pictured(own, book.vectors(), channels).numpy(), height, width)
            for book, own in zip(self.codebooks, parted(codes), strict=True)
        ]
        columns += [self.to_images(self.decode(codes)).numpy(), examples.images.numpy()]
        on_progress()
        return {"top, bottom, reconstruction, image": np.concatenate(columns, axis=2)}


def _use(name: str, counts: tf.Tensor) -> dict[str, tf.Tensor]:
    """How a batch uses a codebook.

    The share of codes that occur, and the perplexity: that of K equally frequent codes is K.
    """
    shares = counts / tf.reduce_sum(counts)
    entropy = -tf.reduce_sum(tf.math.xlogy(shares, shares))
    used = tf.reduce_mean(tf.cast(counts > 0, tf.float32))
    return {f"{name}_codes_used": used, f"{name}_perplexity": tf.exp(entropy)}
