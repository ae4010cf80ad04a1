"""A decoder of not-so-BigGAN as a stage: a regression on what the encoder threw away (eq. 3)."""

import abc
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples
from cascade_tf.optimizers import Adam, apply_gradients
from cascade_tf.pictures import resize_nearest
from cascade_tf.stage import OnProgress, Stage
from cascade_tf.strategies import run_on_replicas
from wavelet_tf.config import NSBConfig
from wavelet_tf.decoder import Decoder
from wavelet_tf.encoder import pixel_pyramid, unit_range, wavelet_pyramid
from wavelet_tf.packet_decoder import PacketDecoder
from wavelet_tf.pixel_decoder import PixelDecoder
from wavelet_tf.training_config import DecoderTrainingConfig
from wavelet_tf.transform.filters import filters


class DecoderStage(Stage):
    """Doubles a representation's sides. It is trained on real ones, independently of the others.

    Attributes:
        gain: what the stage makes, over a picture of the same look in [0, 1].
        condition_gain: the same of what it is given.
        center: where sample 0 of what it is given stands in what it makes, in pixels from the
            first one; 0.5 is between the first two.

    Args:
        config: of the chain.
        level: counted from 1, the coarsest; the stage is named for the size that it makes.
        training: how it learns.
    """

    headline = "mse"
    decoder_class: type[Decoder]
    decoder: Decoder
    center: float

    def __init__(self, config: NSBConfig, level: int, training: DecoderTrainingConfig):
        self.name = f"to{config.size_of(level)}"
        self.config, self.level, self.training = config, level, training
        self.gain = self.gain_of(level)
        self.condition_gain = self.gain_of(level - 1)

    @abc.abstractmethod
    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """All representations of images, float32 in [0, 1] [B, H, W, C]; coarsest first."""

    @abc.abstractmethod
    def gain_of(self, level: int) -> int:
        """How much larger than pictures the numbers of a level's representation are."""

    def build_network(self) -> None:
        """Creates the weights of the network alone."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        policy = self.training.dtype_policy
        self.decoder = self.decoder_class(
            self.config, self.level, replicas > 1, dtype=policy, name=self.name
        )
        self.decoder.build()
        # Synchronised BatchNorm works neither inside XLA nor in a function of its own.
        compiled = self.training.jit_compile and replicas == 1
        function = tf.function(self._gradients, jit_compile=True, autograph=False)
        self._compiled_gradients = function if compiled else self._gradients

    def build(self) -> None:
        t = self.training
        self.build_network()
        self.optimizer = Adam(
            t.learning_rate(),
            beta_1=t.adam_beta_1,
            beta_2=t.adam_beta_2,
            epsilon=t.adam_epsilon,
        )
        self.optimizer.build(self.decoder.trainable_variables)
        self._decode_on_all = run_on_replicas(
            tf.function(self.decode, autograph=False), tf.distribute.get_strategy()
        )

    def networks(self) -> Mapping[str, keras.Layer]:
        return {"decoder": self.decoder}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        return {"optimizer": self.optimizer}

    def averaged_variables(self) -> Sequence[keras.Variable]:
        """The weights, and the statistics of BatchNorm, which belong to them."""
        return self.decoder.trainable_variables + self.decoder.non_trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> dict[str, tf.Tensor]:
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        loss, mse, gradients = self._compiled_gradients(examples.images, replicas)
        learning_rate = tf.identity(self.optimizer.learning_rate)
        norm = apply_gradients(
            self.optimizer, gradients, self.decoder.trainable_variables, self.training.clip_norm
        )
        return {"loss": loss, "mse": mse, "gradient_norm": norm, "learning_rate": learning_rate}

    def _gradients(
        self, images: tf.Tensor, replicas: int = 1
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The mean loss, the mean squared error of the pictures, and the gradient."""
        fine = self.target(images)
        coarse, true = self.decoder.split(fine)
        with tf.GradientTape() as tape:
            predicted = self.decoder(coarse, training=True)
            loss = tf.reduce_mean(self.decoder.loss(predicted, true))
            scaled = loss / replicas
        gradients = tape.gradient(scaled, self.decoder.trainable_variables)
        mse = tf.reduce_mean(self.squared_error(self.decoder.join(coarse, predicted), fine))
        return loss, mse, gradients

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        """`loss`, and `mse` of what the stage makes of real coarse representations, as pictures."""
        fine = self.target(examples.images)
        coarse, true = self.decoder.split(fine)
        predicted = self.decoder(coarse)
        return {
            "loss": self.decoder.loss(predicted, true),
            "mse": self.squared_error(self.decoder.join(coarse, predicted), fine),
        }

    def squared_error(self, made: tf.Tensor, fine: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each example in the units of pictures in [0, 1], [B]."""
        return tf.reduce_mean(tf.math.squared_difference(made, fine), [1, 2, 3]) / self.gain**2

    def decode(self, coarse: tf.Tensor) -> tf.Tensor:
        """Doubles the sides: float32 [B, s/2, s/2, C] to [B, s, s, C] (equation 3)."""
        return self.decoder.join(coarse, self.decoder(coarse))

    def sample(
        self,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        condition: tf.Tensor | None = None,
        known: tf.Tensor | None = None,
        on_progress: OnProgress | None = None,
        labels: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """As Stage.sample: `decode`; nothing is drawn."""
        if condition is None:
            raise ValueError(f"stage {self.name} makes nothing of nothing: give a condition")
        made = self._decode_on_all((condition,), ())
        if on_progress is not None:
            on_progress()
        return made

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return self.pyramid(unit_range(images))[self.level]

    def condition(self, images: tf.Tensor) -> tf.Tensor:
        return self.pyramid(unit_range(images))[self.level - 1]

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return picture(target, self.gain)

    def previews(self, examples: Examples, on_progress: OnProgress) -> dict[str, np.ndarray]:
        """Given, made, true, of each image a row; and the bands, where there are some."""
        coarse, fine = self.condition(examples.images), self.target(examples.images)
        predicted = self.decoder(coarse)
        on_progress()
        made = self.to_images(self.decoder.join(coarse, predicted)).numpy()
        given = resize_nearest(
            picture(coarse, self.condition_gain).numpy(), made.shape[1], made.shape[2]
        )
        rows = np.concatenate([given, made, self.to_images(fine).numpy()], axis=2)
        return {"given, made, true": rows} | self._band_previews(predicted, fine)

    def _band_previews(self, predicted: tf.Tensor, fine: tf.Tensor) -> dict[str, np.ndarray]:
        return {}


class WaveletDecoderStage(DecoderStage):
    """TL to the TL, or image, before it; all arithmetic on packets of small patches."""

    decoder_class = PacketDecoder
    decoder: PacketDecoder

    def __init__(self, config: NSBConfig, level: int, training: DecoderTrainingConfig):
        config.require_packets()
        super().__init__(config, level, training)
        self.center = filters(config.wavelet, config.wavelet_mode).center

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        return wavelet_pyramid(images, self.config)

    def gain_of(self, level: int) -> int:
        return 2 ** (self.config.levels - level)

    def _band_previews(self, predicted: tf.Tensor, fine: tf.Tensor) -> dict[str, np.ndarray]:
        """TR, BL, BR as predicted, and below them as they are; zero is grey."""
        true = self.decoder.split(fine)[1]
        pairs = zip(self.decoder.bands(predicted), self.decoder.bands(true), strict=True)
        columns = [tf.concat(pair, axis=1) for pair in pairs]
        return {"bands, made and true": picture(0.5 + tf.concat(columns, axis=2), 1).numpy()}


class PixelDecoderStage(DecoderStage):
    """A small picture to one of twice the size, in pixels (NSB-PIXEL)."""

    decoder_class = PixelDecoder
    center = 0.5

    def __init__(self, config: NSBConfig, level: int, training: DecoderTrainingConfig):
        config.require_pixels()
        super().__init__(config, level, training)

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        return pixel_pyramid(images, self.config)

    def gain_of(self, level: int) -> int:
        return 1


def picture(representation: tf.Tensor, gain: int) -> tf.Tensor:
    """A representation as uint8 to look at: divided by its gain, clipped, rounded."""
    return tf.cast(tf.round(255 * tf.clip_by_value(representation / gain, 0, 1)), tf.uint8)
