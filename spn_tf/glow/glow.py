"""Glow: the multi-scale flow from images to noise, and back (section 3, Figure 2b)."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from spn_tf.dropout import no_dropout
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.flow_layer import FlowLayer
from spn_tf.glow.prior import Prior
from spn_tf.glow.split import Split
from spn_tf.glow.step import Step
from spn_tf.recomputation import recomputed
from spn_tf.shapes import Shape


def _without_dropout(step: Step) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    return lambda x, dropout: step(x)


class Glow(FlowLayer):
    """Log density of continuous images x [B, H, W, C], and x of noise.

    A level moves blocks of 2x2 pixels to channels, applies K steps of flow, and factors out half
    of the channels. The last level keeps all. `dequantisation.py` has the units of x.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = GlowConfig(
        ...     height=4, width=4, glow_levels=2, glow_depth=1, glow_hidden_channels=8
        ... )
        >>> network = Glow(config)
        >>> x = tf.random.uniform([2, 4, 4, 3], -0.5, 0.5, seed=0)
        >>> noise, log_density = network(x)
        >>> [each.shape for each in noise]
        [TensorShape([2, 2, 2, 6]), TensorShape([2, 1, 1, 24])]
        >>> bool(tf.reduce_all(tf.abs(network.inverse(noise) - x) < 1e-4))
        True
    """

    def __init__(self, config: GlowConfig, **kwargs: Any):
        super().__init__(**kwargs)
        c, dtype = config, self.network_policy
        self.config = config
        self.steps = [
            Step(
                c.glow_hidden_channels,
                c.glow_coupling,
                dtype=dtype,
                name=f"level_{level}_step_{step}",
            )
            for level in range(c.glow_levels)
            for step in range(c.glow_depth)
        ]
        self.splits = [
            Split(dtype=dtype, name=f"split_{level}") for level in range(c.glow_levels - 1)
        ]
        self.prior = Prior(c.num_classes, dtype=dtype, name="prior")

    def build(self, x_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        if self.built:
            return
        for level in range(self.config.glow_levels):
            shape = (None, *self.config.level_shape(level))
            for step in self._steps(level):
                step.build(shape)
            if level < len(self.splits):
                self.splits[level].build(shape)
        self.prior.build(shape)
        self.built = True

    def _steps(self, level: int) -> list[Step]:
        depth = self.config.glow_depth
        return self.steps[level * depth : (level + 1) * depth]

    @property
    def noise_shapes(self) -> list[tuple[int, int, int]]:
        """Height, width and channels of each tensor of noise, those of the first level first.

        >>> Glow(GlowConfig(height=32, width=32, glow_depth=1)).noise_shapes
        [(16, 16, 6), (8, 8, 12), (4, 4, 48)]
        """
        *others, last = [self.config.level_shape(n) for n in range(self.config.glow_levels)]
        return [*((height, width, units // 2) for height, width, units in others), last]

    def initialise(self, x: tf.Tensor) -> None:
        """Initialises every actnorm for a batch of data, as `ActNorm.initialise`, in order.

        Args:
            x: [B, H, W, C], a batch of data. It is called once, before training.
        """
        self.build()
        for level in range(self.config.glow_levels):
            x = tf.nn.space_to_depth(x, 2)
            for step in self._steps(level):
                x = step.initialise(x)
            if level < len(self.splits):
                x, _, _ = self.splits[level](x)

    def call(
        self, x: tf.Tensor, labels: tf.Tensor | None = None
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Returns noise, of `noise_shapes`, and the log density of x, [B] in nats.

        It is the standard normal log density of the noise plus log|det d noise / dx|.

        Args:
            x: [B, H, W, C].
            labels: int32 [B] in [0, num_classes); ignored if the model is unconditional.

        Raises:
            ValueError: the model knows classes, and there are no labels.
        """
        noise = []
        log_density = tf.zeros_like(x[:, 0, 0, 0])
        for level in range(self.config.glow_levels):
            x = tf.nn.space_to_depth(x, 2)
            for step in self._steps(level):
                x, log_determinant = recomputed(_without_dropout(step), x, dropout=no_dropout)
                log_density += log_determinant
            if level < len(self.splits):
                x, of_other, log_other = self.splits[level](x)
                noise.append(of_other)
                log_density += log_other
        of_last, log_last = self.prior(x, labels)
        return [*noise, of_last], log_density + log_last

    def log_density(self, x: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """Log density of x, float32 [B] in nats; arguments as in `call`."""
        return self(x, labels)[1]

    def inverse(
        self,
        noise: Sequence[tf.Tensor],
        labels: tf.Tensor | None = None,
        temperature: float | tf.Tensor = 1.0,
    ) -> tf.Tensor:
        """x of noise, [B, H, W, C]: a sample, if the noise is standard normal.

        Args:
            noise: of `noise_shapes`, after the batch axis.
            labels: see `call`.
            temperature: noise is multiplied by it; 0 leaves the means.
        """
        x = self.prior.inverse(temperature * noise[-1], labels)
        for level in reversed(range(self.config.glow_levels)):
            if level < len(self.splits):
                x = self.splits[level].inverse(x, temperature * noise[level])
            for step in reversed(self._steps(level)):
                x = step.inverse(x)
            x = tf.nn.depth_to_space(x, 2)
        return x

    def compute_output_shape(
        self, x_shape: Shape, labels_shape: Shape | None = None
    ) -> tuple[list[Shape], Shape]:
        batch = x_shape[0]
        return [(batch, *shape) for shape in self.noise_shapes], (batch,)
