"""A stage that is trained by maximum likelihood: one network, one optimizer."""

import abc
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
from cascade_tf.stage import Stage
from cascade_tf.strategies import has_tpus
from cascade_tf.xla_choice import with_or_without_xla
from spn_tf.bit_depth import quantize, to_uint8
from spn_tf.image_config import ImageConfig
from spn_tf.recomputation import Gradients, tracing
from spn_tf.training_config import LikelihoodTrainingConfig


class LikelihoodStage(Stage):
    """Optimization and units of a likelihood model, whatever its network.

    Args:
        name: of the stage.
        config: of the network and its images.
        training: its training settings.
        description: of the stage; by default that of a model of one stage.

    Attributes:
        is_exact: whether nats are -log p itself, or else a bound of it.
    """

    headline = "bits_per_dim"
    is_exact = True
    accepts: list[str]
    network: keras.Layer

    def __init__(
        self,
        name: str,
        config: ImageConfig,
        training: LikelihoodTrainingConfig,
        description: Description | None = None,
    ):
        self.description = description or Description(config.system, (config, training))
        self.name = name
        self.config = config
        self.training = training
        self.num_classes = config.num_classes
        self.batch_parts = training.batch_parts
        self.accepts = ["temperature"] + ["labels"] * (self.num_classes > 1)
        self.dimensions = config.dimensions  # of the whole image: the divisor of bits/dim
        self.image_shape = config.height, config.width, config.channels
        self.jit_compile = training.jit_compile
        self._compiled_gradients = with_or_without_xla(self._gradients, training.jit_compile)

    @abc.abstractmethod
    def build_network(self) -> None:
        """Creates the weights of the network alone, and sets `network`."""

    def build(self) -> None:
        self.build_network()
        self.optimizer = self._make_optimizer()
        self.optimizer.build(self.network.trainable_variables)

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
        """Each image's `_training_nats`, and the gradients of the loss.

        The loss is the mean in nats per dimension: its scale does not depend on the image's size.
        Gradients of `count` equal parts sum to those of the whole.
        """
        t = self.training
        if t.fused_attention and not has_tpus():
            t.refuse("it is for TPUs, and there is none", "fused_attention")
        with tracing(Gradients(t.recompute, t.fused_attention)), tf.GradientTape() as tape:
            nats = self._training_nats(examples)
            loss = tf.reduce_mean(nats) / (self.config.dimensions * count)
            gradients = tape.gradient(loss, self.network.trainable_variables)
        # Embedding tables have sparse gradients; norms and sums over replicas need dense ones.
        return nats, [tf.convert_to_tensor(g) for g in gradients]

    @abc.abstractmethod
    def _training_nats(self, examples: Examples) -> tf.Tensor:
        """Unbiased estimates of each image's -log p, or of its bound, float32 [B] nats."""

    @abc.abstractmethod
    def log_prob(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """log p(target | condition, class) of images at the stage's bits, float32 [B] nats.

        The sum over a cascade's stages is the image's log-probability.

        Args:
            images: uint8 [B, H, W, C].
            labels: int32 [B] in [0, num_classes); ignored if the model is unconditional.
        """

    def _draw(self, purpose: str, indices: tf.Tensor, n: int) -> tf.Tensor:
        """Uniform int32 [B] in [0, n) for the examples."""
        stream = f"{self.name}/{purpose}"
        draws = randomness.uniform(self.training.seed, stream, indices, 1)
        return tf.cast(draws[:, 0] * n, tf.int32)

    def bits_per_dim(self, nats: tf.Tensor) -> tf.Tensor:
        """Nats per image to bits per dimension of the whole image: nats / (H * W * C * ln 2)."""
        return nats / (self.dimensions * math.log(2.0))

    def _labels(self, request: SampleRequest) -> tf.Tensor | None:
        """Classes, int32 [B], drawn evenly if the request has none; alike in all stages."""
        if request.labels is not None or self.num_classes == 1:
            return request.labels
        share = randomness.uniform(request.seed, "class", request.indices, 1)[:, 0]
        return tf.cast(share * self.num_classes, tf.int32)

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return quantize(self._own_pixels(images), self.config.bits)

    def _own_pixels(self, images: tf.Tensor) -> tf.Tensor:
        """The pixels of whole images that the stage models."""
        return images

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.config.bits)
