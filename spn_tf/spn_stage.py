"""The Subscale Pixel Network as a stage: trained by slices, evaluated exactly (section 3.3)."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.errors import UsageError
from cascade_tf.examples import Examples
from cascade_tf.optimizers import RMSprop, apply_gradients, learning_rate_schedule
from cascade_tf.stage import OnProgress, Stage
from spn_tf.attention import Dropout, no_dropout
from spn_tf.bit_depth import quantize, to_uint8
from spn_tf.config import SPNConfig
from spn_tf.sampling import Sampler
from spn_tf.subscale_pixel_network import SubscalePixelNetwork


@dataclasses.dataclass(frozen=True)
class SPNTrainingConfig:
    """How a stage learns; the defaults are the CelebA-HQ column of Table 4.

    Raises:
        UsageError: for values that cannot work.
    """

    seed: int = 0
    learning_rates: tuple[float, ...] = (5e-5,)
    learning_rate_boundaries: tuple[int, ...] = ()  # steps
    rmsprop_momentum: float = 0.9
    rmsprop_decay: float = 0.95
    rmsprop_epsilon: float = 1e-8
    clip_norm: float = 0.0  # of the gradient; 0: no clipping
    precision: str = "float32"  # of activations and products; or "bfloat16"
    jit_compile: bool = True  # forward and backward pass under XLA

    def __post_init__(self) -> None:
        rates, boundaries = self.learning_rates, self.learning_rate_boundaries
        if len(rates) != len(boundaries) + 1:
            raise UsageError(
                f"--learning_rate has {len(rates)} and --learning_rate_boundaries has "
                f"{len(boundaries)} values: give one rate more than boundaries"
            )
        if not all(0 < rate < math.inf for rate in rates):
            raise UsageError(f"--learning_rate={','.join(map(str, rates))}: use numbers above 0")
        if list(boundaries) != sorted(set(boundaries)) or min(boundaries, default=1) < 1:
            raise UsageError(
                f"--learning_rate_boundaries={','.join(map(str, boundaries))}: use steps from 1 "
                f"in ascending order"
            )
        for flag in ("rmsprop_momentum", "rmsprop_decay"):
            if not 0 <= getattr(self, flag) < 1:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use a number from 0 up to 1")
        for flag in ("rmsprop_epsilon", "clip_norm"):
            if not 0 <= getattr(self, flag) < math.inf:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use a number from 0 up")


class SPNStage(Stage):
    """p(image), with images of `bits` bits, in subscale ordering."""

    headline = "bits_per_dim"

    def __init__(self, name: str, config: SPNConfig, training: SPNTrainingConfig):
        self.name = name
        self.config = config
        self.training = training
        self._compiled_gradients = tf.function(self._gradients, jit_compile=training.jit_compile)

    def build(self) -> None:
        t = self.training
        policy = "mixed_bfloat16" if t.precision == "bfloat16" else "float32"
        self.network = SubscalePixelNetwork(self.config, dtype=policy, name=self.name)
        self.network.build()
        self.optimizer = RMSprop(
            learning_rate_schedule(t.learning_rates, t.learning_rate_boundaries),
            rho=t.rmsprop_decay,
            momentum=t.rmsprop_momentum,
            epsilon=t.rmsprop_epsilon,
        )
        self.optimizer.build(self.network.trainable_variables)
        self.sampler = Sampler(self.network, stream=f"{self.name}/sampling")

    def networks(self) -> dict[str, keras.Layer]:
        return {"network": self.network}

    def optimizers(self) -> dict[str, keras.Optimizer]:
        return {"optimizer": self.optimizer}

    def averaged_variables(self) -> Sequence[keras.Variable]:
        return self.network.trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> dict[str, tf.Tensor]:
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        nats, gradients = self._compiled_gradients(examples, replicas)
        learning_rate = tf.identity(self.optimizer.learning_rate)
        norm = apply_gradients(
            self.optimizer,
            gradients,
            self.network.trainable_variables,
            self.training.clip_norm,
        )
        return {
            "bits_per_dim": self.network.bits_per_dim(tf.reduce_mean(nats)),
            "gradient_norm": norm,
            "learning_rate": learning_rate,
        }

    def _gradients(
        self, examples: Examples, replicas: int = 1
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Monte Carlo estimates of each image's nats, and the gradient of their mean.

        1. Draw a slice for each image, uniformly. 2. Its nats, times S*S, estimate the image's
        without bias. 3. The loss is the slice's nats per dimension, whose scale does not
        depend on the image's size.
        """
        c, t = self.config, self.training
        draws = randomness.uniform(t.seed, f"{self.name}/slice", examples.indices, tf.constant([0]))
        target = tf.cast(draws[:, 0] * c.scale**2, tf.int32)
        slice_dimensions = c.dimensions / c.scale**2
        with tf.GradientTape() as tape:
            nats = self.network.slice_nats(
                self.target(examples.images), target, self._dropout(examples.indices)
            )
            loss = tf.reduce_mean(nats) / (slice_dimensions * replicas)
        gradients = tape.gradient(loss, self.network.trainable_variables)
        # Embedding tables have sparse gradients; norms and sums over replicas want dense ones.
        return nats * c.scale**2, [tf.convert_to_tensor(g) for g in gradients]

    def _dropout(self, indices: tf.Tensor) -> Dropout:
        """Dropout whose masks differ by layer and example."""
        if not self.config.dropout:
            return no_dropout
        layer = iter(range(1_000_000))

        def dropout(x: tf.Tensor) -> tf.Tensor:
            stream = f"{self.name}/dropout/{next(layer)}"
            return randomness.dropout(x, self.config.dropout, self.training.seed, stream, indices)

        return dropout

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        nats = -self.log_prob(examples.images)
        return {"nats": nats, "bits_per_dim": self.network.bits_per_dim(nats)}

    def log_prob(self, images: tf.Tensor) -> tf.Tensor:
        """log p of images quantized to the model's bits: uint8 [B, H, W, C] to float32 [B]."""
        return -self.network.image_nats(self.target(images))

    def sample(
        self,
        indices: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        condition: tf.Tensor | None = None,
        on_progress: OnProgress | None = None,
    ) -> tf.Tensor:
        on_row = None
        if on_progress is not None:
            total = self.config.scale * self.config.height
            rows = iter(range(1, total + 1))

            def on_row() -> None:
                on_progress(next(rows), total)

        return self.sampler.sample(indices, seed, temperature, on_row)

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return quantize(images, self.config.bits)

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.config.bits)

    def endpoints(self) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
        c = self.config

        def log_prob(images: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nats": self.log_prob(images)}

        def sample(
            count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            indices = tf.range(tf.cast(count, tf.int64), dtype=tf.int64)
            return {"images": self.to_images(self.sample(indices, seed, temperature))}

        return {
            "log_prob": (
                log_prob,
                [tf.TensorSpec([None, c.height, c.width, c.channels], tf.uint8, "images")],
            ),
            "sample": (
                sample,
                [
                    tf.TensorSpec([], tf.int32, "count"),
                    tf.TensorSpec([], tf.int32, "seed"),
                    tf.TensorSpec([], tf.float32, "temperature"),
                ],
            ),
        }
