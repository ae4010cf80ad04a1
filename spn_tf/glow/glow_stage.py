"""Glow as a stage: trained and evaluated by a bound of the likelihood (section 2)."""

import math

import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.data import Source
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from cascade_tf.strategies import run_on_replicas
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.dequantisation import dequantised, log_probability_bound, quantised
from spn_tf.glow.glow import Glow
from spn_tf.likelihood_stage import LikelihoodStage

INITIAL_PIXELS = 256 * 32**2  # to which the actnorms are initialised, as by their authors


class GlowStage(LikelihoodStage):
    """An image model whose density is of continuous images.

    Its nats are of one draw of uniform noise for each image. Their mean over draws is not below
    the image's -log p: bits/dim of it are an upper bound.

    Args:
        name, config, training, description: see `LikelihoodStage`.

    >>> from spn_tf.training_config import LikelihoodTrainingConfig
    >>> GlowStage("glow", GlowConfig(), LikelihoodTrainingConfig()).is_exact
    False
    """

    config: GlowConfig
    network: Glow
    is_exact = False

    def build_network(self) -> None:
        self.network = Glow(self.config, dtype=self.training.dtype_policy, name=self.name)
        self.network.build()

    def build(self) -> None:
        super().build()
        self._drawn_on_all = run_on_replicas(
            tf.function(self._drawn, autograph=False), tf.distribute.get_strategy()
        )

    def prepare(self, source: Source) -> str:
        """Initialises the actnorms to the first images (section 3.1)."""
        c = self.config
        count = min(max(1, INITIAL_PIXELS // (c.height * c.width)), 256, source.num_examples)
        [batch] = source.evaluation_examples(count, limit=count)
        exists = batch.indices >= 0
        examples = Examples(*(tf.boolean_mask(values, exists) for values in batch))
        self.network.initialise(self._continuous(examples.images, examples.indices, "start"))
        return f"activation normalisation fitted to {int(tf.size(examples.indices)):,} images"

    def _continuous(self, images: tf.Tensor, indices: tf.Tensor, purpose: str) -> tf.Tensor:
        """uint8 images with uniform noise, float32 [B, H, W, C]."""
        c, stream = self.config, f"{self.name}/{purpose}"
        draws = randomness.uniform(self.training.seed, stream, indices, c.dimensions)
        draws = tf.reshape(draws, [-1, c.height, c.width, c.channels])
        return dequantised(self.target(images), draws, c.bits)

    def _nats(self, examples: Examples, purpose: str) -> tf.Tensor:
        """-log p's bound of one draw for each image, float32 [B] nats."""
        x = self._continuous(examples.images, examples.indices, purpose)
        log_density = self.network.log_density(x, examples.labels)
        return -log_probability_bound(log_density, self.config.dimensions, self.config.bits)

    def _training_nats(self, examples: Examples) -> tf.Tensor:
        return self._nats(examples, "training")

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        nats = self._nats(examples, "evaluation")
        return {"nats": nats, "bits_per_dim": self.bits_per_dim(nats)}

    def log_prob(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """A bound of log p(image | class) from below, float32 [B] nats, of one draw for each image.

        The draw depends on the image's place in the batch.
        """
        indices = tf.range(tf.shape(images)[0], dtype=tf.int64)
        return -self._nats(Examples(images, labels, indices), "evaluation")

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Draws images, int32 [B, H, W, C]."""
        images = self._drawn_on_all(
            (tf.convert_to_tensor(request.indices, tf.int64), self._labels(request)),
            (
                tf.cast(request.seed, tf.int32),
                tf.cast(1.0 if request.temperature is None else request.temperature, tf.float32),
            ),
        )
        if request.on_progress is not None:
            request.on_progress()
        return images

    def _drawn(
        self, indices: tf.Tensor, labels: tf.Tensor | None, seed: tf.Tensor, temperature: tf.Tensor
    ) -> tf.Tensor:
        shapes = self.network.noise_shapes
        sizes = [math.prod(shape) for shape in shapes]
        share = randomness.uniform(seed, f"{self.name}/sampling", indices, sum(sizes))
        noise = tf.split(math.sqrt(2) * tf.math.erfinv(2 * share - 1), sizes, axis=1)
        parts = [tf.reshape(x, [-1, *shape]) for x, shape in zip(noise, shapes, strict=True)]
        return quantised(self.network.inverse(parts, labels, temperature), self.config.bits)
