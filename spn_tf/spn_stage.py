"""The Subscale Pixel Network as a stage: trained by slices, evaluated exactly (section 3.3)."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.muon import Muon, is_kernel
from cascade_tf.optimizers import Adam, RMSprop, apply_gradients
from cascade_tf.sample_request import SampleRequest
from cascade_tf.settings import Settings
from cascade_tf.stage import Stage
from cascade_tf.strategies import has_tpus
from cascade_tf.xla_choice import with_or_without_xla
from spn_tf.bit_depth import quantize, to_uint8
from spn_tf.config import UNUSED_BY_GATED_PIXELCNN, SPNConfig
from spn_tf.dropout import KeyedDropout
from spn_tf.recomputation import Gradients, tracing
from spn_tf.sampling import UNKNOWN, Sampler
from spn_tf.subscale_pixel_network import SubscalePixelNetwork
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig


class PartOfACascade(Description):
    """Settings of one stage of a cascade, which do not determine the cascade.

    There is no record of them, as it would recreate another model.
    """

    def record(self, *more: Settings) -> dict[str, str]:
        raise ValueError(
            "description: there is none, and a stage of a cascade is not trained without; create "
            "the stages by make_stages"
        )


class SPNStage(Stage):
    """All slices of an image in subscale ordering, unconditional or given a coarser image.

    It is one of three stages of the paper, by its condition:

    - none: an unconditional image model (equation 2);
    - the first slice, which a slice stage samples: size upscaling (section 2.3). It is trained on
      every slice all the same, so it is an unconditional image model as well;
    - the image's coarse bits: depth upscaling (equation 4).

    Args:
        name: of the stage.
        config: of the network; `coarse_bits` above 0 make it a depth stage.
        training: its training settings.
        first_slice_given: True for a size stage.
        description: of the stage; by default that of an unconditional image model. Other stages
            need one to be trained, since their records must describe the whole cascade;
            `make_stages` supplies it.

    >>> config = SPNConfig(height=4, width=4, bits=3, scale=2)
    >>> stage = SPNStage("spn", config, SPNTrainingConfig())
    >>> int(tf.reduce_max(stage.target(tf.fill([2, 4, 4, 3], tf.constant(255, tf.uint8)))))
    7
    """

    headline = "bits_per_dim"

    def __init__(
        self,
        name: str,
        config: SPNConfig,
        training: SPNTrainingConfig,
        first_slice_given: bool = False,
        description: Description | None = None,
    ):
        if description is None and not config.attention:
            settings = (config, training)
            description = Description("gated_pixelcnn", settings, UNUSED_BY_GATED_PIXELCNN)
        if description is None:
            conditional = config.coarse_bits > 0 or first_slice_given
            kind = PartOfACascade if conditional else Description
            description = kind("spn", (UpscalingConfig(), config, training))
        self.description = description
        self.name = name
        self.config = config
        self.training = training
        self.first_slice_given = first_slice_given
        self.accepts = ["temperature", "known"]
        if config.coarse_bits or first_slice_given:
            self.accepts.append("condition")
        self.num_classes = config.num_classes
        self.batch_parts = training.batch_parts
        if self.num_classes > 1:
            self.accepts.append("labels")
        self.dimensions = config.dimensions  # of the whole image: the divisor of bits/dim
        self.image_shape = config.height, config.width, config.channels
        self.sampling_parts = config.scale**2  # slices
        self.jit_compile = training.jit_compile
        self._compiled_gradients = with_or_without_xla(self._gradients, training.jit_compile)

    def build_network(self) -> None:
        """Creates the weights of the network alone."""
        policy = self.training.dtype_policy
        self.network = SubscalePixelNetwork(self.config, dtype=policy, name=self.name)
        self.network.build()

    def build(self) -> None:
        self.build_network()
        self.optimizer = self._make_optimizer()
        self.optimizer.build(self.network.trainable_variables)
        self.sampler = Sampler(self.network, stream=f"{self.name}/sampling")

    def _make_optimizer(self) -> RMSprop | Adam:
        t, variables = self.training, self.network.trainable_variables
        rate, decay = t.schedule(), t.weight_decay or None
        adam = {"beta_1": t.adam_beta_1, "beta_2": t.adam_beta_2, "epsilon": t.adam_epsilon}
        optimizer: RMSprop | Adam
        if t.optimizer == "adam":
            optimizer = Adam(rate, weight_decay=decay, **adam)
        elif t.optimizer == "muon":
            optimizer = Muon(rate, ["logits"], t.muon_momentum, weight_decay=decay, **adam)
        else:
            optimizer = RMSprop(
                rate,
                start=t.rmsprop_start,
                rho=t.rmsprop_decay,
                momentum=t.rmsprop_momentum,
                epsilon=t.rmsprop_epsilon,
                weight_decay=decay,
            )
        if t.weight_decay:
            optimizer.exclude_from_weight_decay([v for v in variables if not is_kernel(v)])
        return optimizer

    def networks(self) -> dict[str, keras.Layer]:
        return {"network": self.network}

    def optimizers(self) -> dict[str, keras.Optimizer]:
        return {"optimizer": self.optimizer}

    def averaged_variables(self) -> Sequence[keras.Variable]:
        return self.network.trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> dict[str, tf.Tensor]:
        nats, gradients = self._gradients_of_parts(examples)
        learning_rate = tf.identity(self.optimizer.learning_rate)
        norm = apply_gradients(
            self.optimizer,
            gradients,
            self.network.trainable_variables,
            self.training.clip_norm,
        )
        return {
            "bits_per_dim": self.bits_per_dim(tf.reduce_mean(nats)),
            "gradient_norm": norm,
            "learning_rate": learning_rate,
        }

    def _gradients_of_parts(self, examples: Examples) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """`_gradients` of the replica's batch, computed in `batch_parts` independent calls."""
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        parts = zip(*(tf.split(values, self.batch_parts) for values in examples), strict=True)
        count = replicas * self.batch_parts
        results = [self._compiled_gradients(Examples(*part), count) for part in parts]
        nats, gradients = zip(*results, strict=True)
        return tf.concat(nats, axis=0), [tf.add_n(part) for part in zip(*gradients, strict=True)]

    def _gradients(self, examples: Examples, count: int = 1) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Monte Carlo estimates of each image's nats, and the gradients of the loss.

        1. Draw a slice for each image, uniformly. 2. Its nats, times S*S, are an unbiased estimate
        of the image's. 3. The loss is the slice's mean nats per dimension: its scale does not
        depend on the image's size; gradients of `count` equal parts sum to those of the whole.
        """
        c, t = self.config, self.training
        if t.fused_attention and not has_tpus():
            t.refuse("it is for TPUs, and there is none", "fused_attention")
        how = Gradients(t.recompute, t.fused_attention)
        target = self._draw("slice", examples.indices, c.scale**2)
        slice_dimensions = c.dimensions / c.scale**2
        with tracing(how), tf.GradientTape() as tape:
            nats = self.network.slice_nats(
                self._training_target(examples),
                target,
                self._dropout(examples.indices),
                examples.labels,
            )
            loss = tf.reduce_mean(nats) / (slice_dimensions * count)
            gradients = tape.gradient(loss, self.network.trainable_variables)
        # Embedding tables have sparse gradients; norms and sums over replicas need dense ones.
        return nats * c.scale**2, [tf.convert_to_tensor(g) for g in gradients]

    def _training_target(self, examples: Examples) -> tf.Tensor:
        """The network's training target, int32 [B, H, W, C] of its size and bits."""
        return self.target(examples.images)

    def _draw(self, purpose: str, indices: tf.Tensor, n: int) -> tf.Tensor:
        """Uniform int32 [B] in [0, n) for the examples."""
        stream = f"{self.name}/{purpose}"
        draws = randomness.uniform(self.training.seed, stream, indices, 1)
        return tf.cast(draws[:, 0] * n, tf.int32)

    def _dropout(self, indices: tf.Tensor) -> KeyedDropout:
        c, seed = self.config, self.training.seed
        return KeyedDropout(c.dropout, c.convolution_dropout, seed, self.name, indices)

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        """`nats`: the stage's term of the cascade's nats; `bits_per_dim`: of all slices it models.

        They measure the same, except for a size stage: its `nats` leave out the first slice.
        """
        target = self.target(examples.images)
        nats = self.network.all_slice_nats(target, examples.labels, self.batch_parts)
        return {
            "nats": self._part(nats),
            "bits_per_dim": self.bits_per_dim(tf.reduce_sum(nats, axis=1)),
        }

    def log_prob(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """log p(target | condition, class) of images at the stage's bits, float32 [B] nats.

        The sum over a cascade's stages is the image's log-probability.

        Args:
            images: uint8 [B, H, W, C].
            labels: int32 [B] in [0, num_classes); ignored if the model is unconditional.
        """
        return -self._part(self.network.all_slice_nats(self.target(images), labels))

    def _part(self, nats: tf.Tensor) -> tf.Tensor:
        """The stage's term of the cascade's nats, [B], from the nats of all slices [B, S*S]."""
        return tf.reduce_sum(nats[:, 1:] if self.first_slice_given else nats, axis=1)

    def bits_per_dim(self, nats: tf.Tensor) -> tf.Tensor:
        """Nats per image to bits per dimension of the whole image: nats / (H * W * C * ln 2)."""
        return nats / (self.dimensions * math.log(2.0))

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Draws images, int32 [B, H, W, C].

        The condition is int32: the first slice [B, h, w, C] for a size stage, which draws it if
        there is none; the coarse image [B, H, W, C] for a depth stage. `known` is int32
        [B, H, W, C]: intensities to keep, UNKNOWN elsewhere.
        """
        return self.sampler.sample(
            request.indices,
            request.seed,
            1.0 if request.temperature is None else request.temperature,
            coarse=request.condition if self.config.coarse_bits else None,
            known=request.known,
            first_slice=request.condition if self.first_slice_given else None,
            labels=self._labels(request),
            on_slice=request.on_progress,
        )

    def _labels(self, request: SampleRequest) -> tf.Tensor | None:
        """Classes, int32 [B], drawn evenly if the request has none; alike in all stages."""
        if request.labels is not None or self.num_classes == 1:
            return request.labels
        share = randomness.uniform(request.seed, "class", request.indices, 1)[:, 0]
        return tf.cast(share * self.num_classes, tf.int32)

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return quantize(self._own_pixels(images), self.config.bits)

    def known(self, pixels: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
        """The target's intensities that known pixels determine, UNKNOWN elsewhere.

        Args:
            pixels: int32 [B, H, W, C] of whole images, in [0, 256) or UNKNOWN.
            bits: int32 scalar or [B]: most significant bits of each image that are known. They
                determine targets of at most as many bits.
        """
        pixels, own_bits = self._own_pixels(pixels), self.config.bits
        is_known = (pixels != UNKNOWN) & (tf.reshape(bits, [-1, 1, 1, 1]) >= own_bits)
        return tf.where(is_known, quantize(tf.maximum(pixels, 0), own_bits), UNKNOWN)

    def _own_pixels(self, images: tf.Tensor) -> tf.Tensor:
        """The pixels of whole images that the stage models."""
        return images

    def condition(self, images: tf.Tensor) -> tf.Tensor | None:
        c = self.config
        if c.coarse_bits:
            return quantize(images, c.coarse_bits)
        return self.target(images)[:, :: c.scale, :: c.scale] if self.first_slice_given else None

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.config.bits)
