"""A decoder of not-so-BigGAN as a stage: a regression of the encoder's lost details (eq. 3)."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.metrics.inception import load_first_layers
from cascade_tf.optimizers import Adam, apply_gradients
from cascade_tf.pictures import resize_nearest
from cascade_tf.sample_request import OnProgress
from cascade_tf.xla_choice import with_or_without_xla
from wavelet_tf.biggan.losses import LOSSES
from wavelet_tf.config import NSBConfig, PixelConfig, WaveletConfig
from wavelet_tf.decoder import Decoder
from wavelet_tf.decoding_stage import DecodingStage
from wavelet_tf.encoder import Encoder, PixelEncoder, WaveletEncoder
from wavelet_tf.packet_decoder import PacketDecoder
from wavelet_tf.patch_discriminator import PatchDiscriminator
from wavelet_tf.perceptual_loss import SMALLEST, perceptual_distance
from wavelet_tf.pixel_decoder import PixelDecoder
from wavelet_tf.training_config import DecoderTrainingConfig
from wavelet_tf.unit_images import to_uint8, unit_range

_BETA_1 = 0.5  # of the discriminator's Adam


class DecoderStage(DecodingStage):
    """Doubles a representation's sides; trained on real ones, independently of other stages.

    The loss is the sum of `training.decoder_loss`. With an adversarial one, a discriminator of
    patches is trained beside the decoder, each step after the decoder's prediction.

    Attributes:
        encoder: computes targets and conditions from images.
        gain: scale of the target relative to an image in [0, 1].
        condition_gain: scale of the condition relative to an image in [0, 1].

    Args:
        encoder: of the chain.
        level: level of the target, counted from 1, the coarsest; the stage is named after its size.
        training: settings of its training.
    """

    headline = "mse"
    of_training = ("discriminator", "discriminating")
    decoder_class: type[Decoder]
    decoder: Decoder
    system: str

    def __init__(self, encoder: Encoder, level: int, training: DecoderTrainingConfig):
        self.config: NSBConfig = encoder.config
        self.name = f"to{self.config.size_of(level)}"
        self.image_shape = self.config.image_size, self.config.image_size, self.config.channels
        self.encoder, self.level, self.training = encoder, level, training
        self.gain, self.condition_gain = encoder.gain(level), encoder.gain(level - 1)
        self.description = Description(self.system, (self.config, training))
        self.needs_inception = "perceptual" in training.decoder_loss
        self._perceptual: keras.Model | None = None
        if self.needs_inception and self.config.size_of(level) < SMALLEST:
            training.refuse(f"{self.name} is smaller than {SMALLEST}x{SMALLEST}", "decoder_loss")
        self.discriminator: PatchDiscriminator | None = None

    def build_network(self) -> None:
        """Creates the network's weights, without an optimizer."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        policy = self.training.dtype_policy
        self.decoder = self.decoder_class(
            self.config, self.level, replicas > 1, dtype=policy, name=self.name
        )
        self.decoder.build()
        # Synchronised BatchNorm works neither inside XLA nor in a separate tf.function.
        self.jit_compile = self.training.jit_compile if replicas == 1 else False
        self._compiled_gradients = with_or_without_xla(
            self._gradients, self.jit_compile, self._gradients
        )

    def build(self) -> None:
        t = self.training
        self.build_network()
        self.optimizer = Adam(
            t.schedule(),
            beta_1=t.adam_beta_1,
            beta_2=t.adam_beta_2,
            epsilon=t.adam_epsilon,
        )
        self.optimizer.build(self.decoder.trainable_variables)
        if "adversarial" in t.decoder_loss:
            self._build_discriminator()
        if self.needs_inception and self.inception is not None:  # else it is not to be trained
            self._perceptual = load_first_layers(self.inception)
        self.build_sampling()

    def _build_discriminator(self) -> None:
        t, c = self.training, self.config
        maps = 1 + self.decoder.detail_maps
        self.discriminator = PatchDiscriminator(
            maps * c.channels, t.adversarial_width, dtype=t.dtype_policy, name="patches"
        )
        self.discriminator.build()
        self._discriminating = Adam(
            t.schedule(), beta_1=_BETA_1, beta_2=t.adam_beta_2, epsilon=t.adam_epsilon
        )
        self._discriminating.build(self.discriminator.trainable_variables)

    def networks(self) -> Mapping[str, keras.Layer]:
        others = {} if self.discriminator is None else {"discriminator": self.discriminator}
        return {"decoder": self.decoder, **others}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        others = {} if self.discriminator is None else {"discriminating": self._discriminating}
        return {"optimizer": self.optimizer, **others}

    def parameters(self) -> int:
        """Trainable weights of the decoder alone."""
        return sum(int(np.prod(w.shape)) for w in self.decoder.trainable_weights)

    def averaged_variables(self) -> Sequence[keras.Variable]:
        """The weights, and the statistics of BatchNorm that belong to them."""
        return self.decoder.trainable_variables + self.decoder.non_trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> dict[str, tf.Tensor]:
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        clip_norm = self.training.clip_norm
        figures, gradients, of_discriminator = self._compiled_gradients(examples.images, replicas)
        figures["learning_rate"] = tf.identity(self.optimizer.learning_rate)
        figures["gradient_norm"] = apply_gradients(
            self.optimizer, gradients, self.decoder.trainable_variables, clip_norm
        )
        if self.discriminator is not None:
            variables = self.discriminator.trainable_variables
            apply_gradients(self._discriminating, of_discriminator, variables, clip_norm)
        return figures

    def _gradients(
        self, images: tf.Tensor, replicas: int = 1
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
        """The losses and the error as images, and both networks' gradients."""
        fine = self.target(images)
        coarse, true = self.decoder.split(fine)
        with tf.GradientTape() as tape:
            predicted = self.decoder(coarse, training=True)
            losses = self._losses(coarse, predicted, true, fine)
            loss = tf.add_n([*losses.values()])
            scaled = loss / replicas
        gradients = tape.gradient(scaled, self.decoder.trainable_variables)
        mse = tf.reduce_mean(self.squared_error(self.decoder.join(coarse, predicted), fine))
        figures = {"loss": loss, "mse": mse}
        if len(losses) > 1:
            figures |= {f"loss/{name}": value for name, value in losses.items()}
        if self.discriminator is None:
            return figures, gradients, []
        with tf.GradientTape() as tape:
            maps = [self.decoder.details(details) for details in (true, predicted)]
            real, fake = (self.discriminator(coarse, details) for details in maps)
            of_patches = tf.reduce_mean(LOSSES["hinge"].discriminator(real, fake))
            scaled = of_patches / replicas
        of_discriminator = tape.gradient(scaled, self.discriminator.trainable_variables)
        figures["discriminator_loss"] = of_patches
        return figures, gradients, of_discriminator

    def _losses(
        self, coarse: tf.Tensor, predicted: tf.Tensor, true: tf.Tensor, fine: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The weighted terms of the loss, float32 scalars, by name."""
        t, losses = self.training, {}
        if "mse" in t.decoder_loss:
            losses["mse"] = tf.reduce_mean(self.decoder.loss(predicted, true))
        if "perceptual" in t.decoder_loss:
            if self._perceptual is None:
                t.refuse("it needs the weights of Inception, `inception`", "decoder_loss")
            reconstructed = self.decoder.join(coarse, predicted) / self.gain
            distance = perceptual_distance(self._perceptual, reconstructed, fine / self.gain)
            losses["perceptual"] = t.perceptual_weight * tf.reduce_mean(distance)
        if self.discriminator is not None:
            logits = self.discriminator(coarse, self.decoder.details(predicted))
            losses["adversarial"] = -t.adversarial_weight * tf.reduce_mean(logits)
        return losses

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        """Errors of predictions from real coarse representations, [B] each.

        `mse` is that of the images; `loss`, or `loss/mse` beside other terms, that of the details.
        """
        fine = self.target(examples.images)
        coarse, true = self.decoder.split(fine)
        predicted = self.decoder(coarse)
        alone = self.training.decoder_loss == ("mse",)
        return {
            "loss" if alone else "loss/mse": self.decoder.loss(predicted, true),
            "mse": self.squared_error(self.decoder.join(coarse, predicted), fine),
        }

    def squared_error(self, predicted: tf.Tensor, fine: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each example, [B], in the units of images in [0, 1]."""
        return tf.reduce_mean(tf.math.squared_difference(predicted, fine), [1, 2, 3]) / self.gain**2

    def decode(self, coarse: tf.Tensor) -> tf.Tensor:
        """Doubles the sides: float32 [B, s/2, s/2, C] to [B, s, s, C] (equation 3)."""
        return self.decoder.join(coarse, self.decoder(coarse))

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return self.encoder.at_level(unit_range(images), self.level)

    def condition(self, images: tf.Tensor) -> tf.Tensor:
        return self.encoder.at_level(unit_range(images), self.level - 1)

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.gain)

    def previews(self, examples: Examples, on_progress: OnProgress) -> dict[str, np.ndarray]:
        """For each image a row of condition, prediction and target; of wavelets the bands too."""
        coarse, fine = self.condition(examples.images), self.target(examples.images)
        predicted = self.decoder(coarse)
        on_progress()
        output = self.to_images(self.decoder.join(coarse, predicted)).numpy()
        condition = resize_nearest(
            to_uint8(coarse, self.condition_gain).numpy(), output.shape[1], output.shape[2]
        )
        rows = np.concatenate([condition, output, self.to_images(fine).numpy()], axis=2)
        return {"condition, prediction, target": rows} | self._band_previews(predicted, fine)

    def _band_previews(self, predicted: tf.Tensor, fine: tf.Tensor) -> dict[str, np.ndarray]:
        return {}


class WaveletDecoderStage(DecoderStage):
    """TL to the next finer TL, or to the image; computed on packets of small patches.

    >>> config = WaveletConfig(image_size=32, levels=1, patch_size=8)
    >>> stage = WaveletDecoderStage(config, 1, DecoderTrainingConfig())
    >>> stage.name, stage.gain, stage.condition_gain
    ('to32', 1, 2)
    """

    decoder_class = PacketDecoder
    decoder: PacketDecoder

    system = "nsb"

    def __init__(self, config: WaveletConfig, level: int, training: DecoderTrainingConfig):
        super().__init__(WaveletEncoder(config), level, training)

    def _band_previews(self, predicted: tf.Tensor, fine: tf.Tensor) -> dict[str, np.ndarray]:
        """Predicted TR, BL, BR, and the true ones below them; zero is grey."""
        true = self.decoder.split(fine)[1]
        pairs = zip(self.decoder.bands(predicted), self.decoder.bands(true), strict=True)
        columns = [tf.concat(pair, axis=1) for pair in pairs]
        return {"bands, predicted and true": to_uint8(0.5 + tf.concat(columns, axis=2), 1).numpy()}


class PixelDecoderStage(DecoderStage):
    """A small image to one of twice the size, in pixels (NSB-PIXEL).

    >>> config = PixelConfig(image_size=32, levels=1)
    >>> PixelDecoderStage(config, 1, DecoderTrainingConfig()).name
    'to32'
    """

    decoder_class = PixelDecoder
    system = "nsb_pixel"

    def __init__(self, config: PixelConfig, level: int, training: DecoderTrainingConfig):
        super().__init__(PixelEncoder(config), level, training)
