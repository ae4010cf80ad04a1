"""A GAN as a stage: the prior before decoders, or a model of whole images (section 4.3)."""

import functools
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf import randomness
from cascade_tf.choices import TRUNCATION_KINDS
from cascade_tf.computation_order import in_order
from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.optimizers import Adam
from cascade_tf.sample_request import OnProgress, SampleRequest
from cascade_tf.stage import Stage
from cascade_tf.strategies import run_on_replicas
from cascade_tf.xla_choice import with_or_without_xla
from wavelet_tf.biggan.augmentation import augment
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.discriminator import Discriminator
from wavelet_tf.biggan.generator import Generator
from wavelet_tf.biggan.image_discriminator import ImageDiscriminator
from wavelet_tf.biggan.image_generator import ImageGenerator
from wavelet_tf.biggan.losses import LOSSES
from wavelet_tf.biggan.orthogonal_regularisation import orthogonal_penalty
from wavelet_tf.biggan.regularisation import LogitAverages, gradient_penalty
from wavelet_tf.biggan.spectral_norm import spectral_norms, update_spectral_norms
from wavelet_tf.biggan.standing_statistics import standing_statistics
from wavelet_tf.collapse import FEWEST_IMAGES, diversity, moments, trouble
from wavelet_tf.latents import Latents
from wavelet_tf.noise import noise
from wavelet_tf.players import Figures, Gradients, Player, means_over_parts
from wavelet_tf.r3gan.discriminator import R3GANDiscriminator
from wavelet_tf.r3gan.generator import R3GANGenerator
from wavelet_tf.training_config import GANTrainingConfig
from wavelet_tf.unit_images import to_uint8

_CONSISTENT = ("flip", "translation")  # changes that should not change a logit


class GANStage(Stage):
    """Samples latents from noise and a class.

    Args:
        name: of the stage.
        config: sizes of the networks.
        latents: the representation that it samples.
        training: settings of its training.
        description: of the stage; by default a BigGAN of whole images.

    >>> config = BigGANConfig(size=16, generator_width=8, discriminator_width=8)
    >>> latents = Latents(lambda images: images, size=16, channels=3, value_range=(0.0, 1.0))
    >>> stage = GANStage("gan", config, latents, GANTrainingConfig(accumulations=2))
    >>> stage.name, stage.batch_parts
    ('gan', 2)
    """

    headline = "discriminator_loss"
    accepts = ("truncation", "truncation_kind", "labels")
    of_training = ("logit_averages",)

    def __init__(
        self,
        name: str,
        config: BigGANConfig,
        latents: Latents,
        training: GANTrainingConfig,
        description: Description | None = None,
    ):
        self.description = description or Description("biggan", (config, training))
        self.name = name
        self.config, self.latents, self.training = config, latents, training
        self.batch_parts = training.discriminator_steps * training.accumulations
        self.num_classes = config.classes
        self._loss = LOSSES[training.loss]
        if config.is_r3gan and training.orthogonal_regularisation:
            training.refuse("it means nothing to R3GAN", "orthogonal_regularisation")
        if training.classification != 1 and config.conditioning != "auxiliary_classifier":
            training.refuse("it means nothing without an auxiliary classifier", "classification")

    def build_network(self) -> None:
        """Creates the networks' weights, without optimizers."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        c, dtype = self.config, self.training.dtype_policy
        self.generator: ImageGenerator
        self.discriminator: ImageDiscriminator
        if c.is_r3gan:
            self.generator = R3GANGenerator(c, dtype=dtype, name="generator")
            self.discriminator = R3GANDiscriminator(c, dtype=dtype, name="discriminator")
        else:
            self.generator = Generator(c, replicas > 1, dtype=dtype, name="generator")
            self.discriminator = Discriminator(c, dtype=dtype, name="discriminator")
        self._averages = LogitAverages(name="logit_averages")
        for network in (self.generator, self.discriminator, self.latents, self._averages):
            network.build()

    def build(self) -> None:
        strategy = tf.distribute.get_strategy()
        self.build_network()
        # Synchronised BatchNorm works neither inside XLA nor in a separate tf.function.
        replicas = strategy.num_replicas_in_sync
        self.jit_compile = self.training.jit_compile if replicas == 1 else False

        def player(network: keras.layers.Layer, gradients: Gradients, optimizer: Adam) -> Player:
            function = with_or_without_xla(gradients, self.jit_compile, gradients)
            return Player(network, optimizer, function)

        t = self.training
        generating = self._optimizer(self.generator)
        discriminating = self._optimizer(
            self.discriminator, t.discriminator_rate, t.discriminator_steps
        )
        self._generating = player(self.generator, self._generator_gradients, generating)
        self._discriminating = player(
            self.discriminator, self._discriminator_gradients, discriminating
        )
        self._in_training = tf.function(
            lambda z, labels: self.generator(z, labels, training=True), autograph=False
        )
        self._generate_on_all = {
            kind: run_on_replicas(
                tf.function(functools.partial(self._generate, kind=kind), autograph=False), strategy
            )
            for kind in TRUNCATION_KINDS
        }

    def _optimizer(
        self, network: keras.layers.Layer, factor: float = 1.0, updates: int = 1
    ) -> Adam:
        t = self.training
        optimizer = Adam(
            t.schedule(factor, updates),
            beta_1=t.adam_beta_1,
            beta_2=t.adam_beta_2,
            epsilon=t.adam_epsilon,
        )
        optimizer.build(network.trainable_variables)
        return optimizer

    def prepare(self, source: Source) -> str:
        """Fits the latents' range."""
        return self.latents.fit(source)

    def networks(self) -> Mapping[str, keras.Layer]:
        networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "latents": self.latents,
        }
        if self.training.lecam:
            networks["logit_averages"] = self._averages
        return networks

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        return {
            "generator_optimizer": self._generating.optimizer,
            "discriminator_optimizer": self._discriminating.optimizer,
        }

    def averaged_variables(self) -> Sequence[keras.Variable]:
        """The generator's weights, and the statistics and singular vectors that belong to them."""
        return self.generator.trainable_variables + self.generator.non_trainable_variables

    def train_step(self, examples: Examples, step: tf.Tensor) -> Figures:
        """The discriminator's steps, each on its share of the batch; then the generator's.

        1. Singular vectors move by one power iteration.
        2. The discriminator learns to distinguish real latents from generated ones.
        3. The generator learns to deceive it, on newly drawn noise and classes.
        """
        t, context = self.training, tf.distribute.get_replica_context()
        update_spectral_norms(self.generator)
        figures = means_over_parts(self._discriminator_step, examples, t.discriminator_steps)
        moments_of_all = context.all_reduce(tf.distribute.ReduceOp.MEAN, figures.pop("moments"))
        # Else XLA, if it compiles all of this, computes the generator's step at the same time.
        [norm], [indices] = in_order([figures["gradient_norm_discriminator"]], [examples.indices])
        examples, figures["gradient_norm_discriminator"] = examples._replace(indices=indices), norm
        count = examples.images.shape[0]
        if count is None or count * context.num_replicas_in_sync >= FEWEST_IMAGES:
            figures["diversity"] = diversity(*tf.unstack(moments_of_all))
        figures |= self._generating.step(examples, t.accumulations, t.clip_norm)
        for name, network in (("G", self.generator), ("D", self.discriminator)):
            norms = spectral_norms(network)
            figures |= {f"spectral_norm_{name}/{path}": norm for path, norm in norms.items()}
        figures["learning_rate"] = tf.identity(self._generating.optimizer.learning_rate)
        return figures

    def _discriminator_step(self, examples: Examples) -> Figures:
        t = self.training
        update_spectral_norms(self.discriminator)
        figures = self._discriminating.step(examples, t.accumulations, t.clip_norm)
        if t.lecam:
            context = tf.distribute.get_replica_context()
            means = [figures["D_real"], figures["D_fake"]]
            self._averages.move(*context.all_reduce(tf.distribute.ReduceOp.MEAN, means))
        return figures

    def _discriminator_gradients(
        self, examples: Examples, replicas: int = 1
    ) -> tuple[Figures, list[tf.Tensor]]:
        """Real and generated images one after another: only one half's activations are kept.

        The loss of pairs has the gradient of both halves, each with the other's logits constant.
        """
        variables = self.discriminator.trainable_variables

        def half(
            kind: str, images: tf.Tensor, labels: tf.Tensor, others: tf.Tensor
        ) -> tuple[tf.Tensor, Figures, list[tf.Tensor]]:
            with tf.GradientTape() as tape:
                logits, classified = self._judge(images, labels, examples.indices, kind)
                pair = (logits, others) if kind == "real" else (others, logits)
                penalties = self._penalties(images, labels, examples.indices, kind, logits)
                penalties |= self._classification(classified, labels, kind)
                loss = tf.add_n(
                    [tf.reduce_mean(self._loss.discriminator(*pair)), *penalties.values()]
                )
                scaled = loss / replicas
            return logits, penalties, tape.gradient(scaled, variables)

        real, labels = self._real(examples), self._labels(examples)
        others = tf.zeros_like(labels, tf.float32)  # without pairs they have no gradient
        if self._loss.pairs:
            fake, fake_labels = self._generate_for("discriminator", examples)
            others = self._discriminate(fake, fake_labels, examples.indices, "fake")
        of_real, penalties, gradients = half("real", real, labels, others)
        if self._loss.pairs:
            gradients, [fake] = in_order(gradients, [fake])
        else:
            gradients, [indices] = in_order(gradients, [examples.indices])
            later = examples._replace(indices=indices)
            fake, fake_labels = self._generate_for("discriminator", later)
        of_fake, more_penalties, gradients_of_fake = half("fake", fake, fake_labels, of_real)
        figures = {
            "discriminator_loss": tf.reduce_mean(self._loss.discriminator(of_real, of_fake)),
            "D_real": tf.reduce_mean(of_real),
            "D_fake": tf.reduce_mean(of_fake),
            "moments": tf.stack([moments(real), moments(fake)]),
        }
        figures |= penalties | more_penalties
        return figures, [a + b for a, b in zip(gradients, gradients_of_fake, strict=True)]

    def _discriminate(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, kind: str
    ) -> tf.Tensor:
        """Logits of augmented images; each `kind` of images has its own draws."""
        return self._judge(images, labels, indices, kind)[0]

    def _judge(
        self, images: tf.Tensor, labels: tf.Tensor, indices: tf.Tensor, kind: str
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """`_discriminate`, and the logits of classes, if the discriminator classifies images."""
        t = self.training
        stream = f"{self.name}/augmentation/{kind}"
        images = augment(images, t.augmentation, t.seed, stream, indices)
        return self.discriminator.judge(images, labels)

    def _classification(
        self, classified: tf.Tensor | None, labels: tf.Tensor, kind: str
    ) -> Figures:
        """The weighted cross-entropy of classes, a scalar (AC-GAN's L_C); none without them."""
        if classified is None:
            return {}
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, classified)
        return {f"classification_{kind}": self.training.classification * tf.reduce_mean(nats)}

    def _penalties(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        indices: tf.Tensor,
        kind: str,
        logits: tf.Tensor,
    ) -> Figures:
        """The discriminator's weighted penalties of real or of generated images, scalars."""
        t, penalties = self.training, {}
        real = kind == "real"
        name, gamma = ("r1", t.r1) if real else ("r2", t.r2)

        def discriminate(images: tf.Tensor) -> tf.Tensor:
            return self._discriminate(images, labels, indices, kind)

        if gamma:
            due = tf.equal(self._discriminating.optimizer.iterations % t.penalty_every, 0)
            weight = t.penalty_every * gamma / 2
            penalties[name] = tf.cond(
                due,
                lambda: weight * tf.reduce_mean(gradient_penalty(discriminate, images)),
                lambda: tf.constant(0.0),
            )
        if t.lecam:
            of_others = self._averages.fake if real else self._averages.real
            distance = tf.square(logits - tf.convert_to_tensor(of_others))
            penalties[f"lecam_{kind}"] = t.lecam * tf.reduce_mean(distance)
        if t.consistency and real:
            stream = f"{self.name}/consistency"
            changed = augment(images, _CONSISTENT, t.seed, stream, indices)
            distance = tf.square(logits - discriminate(changed))
            penalties["consistency"] = t.consistency * tf.reduce_mean(distance)
        return penalties

    def _generator_gradients(
        self, examples: Examples, replicas: int = 1
    ) -> tuple[Figures, list[tf.Tensor]]:
        others = tf.zeros_like(examples.labels, tf.float32)  # without pairs they do not count
        if self._loss.pairs:
            real, labels = self._real(examples), self._labels(examples)
            others = self._discriminate(real, labels, examples.indices, "real for generator")
        with tf.GradientTape() as tape:
            fake, labels = self._generate_for("generator", examples)
            logits, classified = self._judge(fake, labels, examples.indices, "generator")
            loss = tf.reduce_mean(self._loss.generator(logits, others))
            figures = self._classification(classified, labels, "generator")
            scaled = tf.add_n([loss, *figures.values()])
            if self.training.orthogonal_regularisation:
                penalty = orthogonal_penalty(self.generator)
                scaled += self.training.orthogonal_regularisation * penalty
            scaled /= replicas
        gradients = tape.gradient(scaled, self.generator.trainable_variables)
        return {"generator_loss": loss} | figures, gradients

    def _real(self, examples: Examples) -> tf.Tensor:
        """Latents of real images, as the networks see them."""
        return self.latents.normalise(self.latents.encode(examples.images))

    def _generate_for(self, player: str, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """Generated latents for a player's training step, and their classes.

        In pairs, the classes are those of the real images.
        """
        stream, seed, indices = f"{self.name}/{player}", self.training.seed, examples.indices
        labels = self._labels(examples)
        if not self._loss.pairs:
            labels = self._draw_labels(seed, stream, indices)
        z = noise(seed, f"{stream}/noise", indices, self.config.z_size)
        return self.generator(z, labels, training=True), labels

    def _draw_labels(self, seed: tf.Tensor | int, stream: str, indices: tf.Tensor) -> tf.Tensor:
        """Uniformly drawn classes, int32 [B]."""
        share = randomness.uniform(seed, f"{stream}/class", indices, 1)[:, 0]
        return tf.cast(share * self.num_classes, tf.int32)

    def _labels(self, examples: Examples) -> tf.Tensor:
        return examples.labels if self.num_classes > 1 else tf.zeros_like(examples.labels)

    def trouble(self, metrics: Mapping[str, float]) -> str | None:
        return trouble(metrics)

    def evaluate_step(self, examples: Examples) -> Figures:
        """The discriminator's loss and logits on held-out and on generated images, [B] each.

        A discriminator that memorises its training images takes held-out ones for generated ones.
        """
        real_logits = self.discriminator(self._real(examples), self._labels(examples))
        stream = f"{self.name}/evaluation"
        labels = self._labels(examples)
        if not self._loss.pairs:
            labels = self._draw_labels(0, stream, examples.indices)
        z = noise(0, stream, examples.indices, self.config.z_size)
        fake_logits = self.discriminator(self.generator(z, labels), labels)
        loss = self._loss.discriminator(real_logits, fake_logits)
        return {"discriminator_loss": loss, "D_real": real_logits, "D_fake": fake_logits}

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Samples latents, float32 [B, size, size, C]."""
        truncation = tf.constant(1.0) if request.truncation is None else request.truncation
        generate = self._generate_on_all[request.truncation_kind or "scale"]
        sampled = generate((request.indices, request.labels), (request.seed, truncation))
        if request.on_progress is not None:
            request.on_progress()
        return sampled

    def _generate(
        self,
        indices: tf.Tensor,
        labels: tf.Tensor | None,
        seed: tf.Tensor,
        truncation: tf.Tensor,
        kind: str,
    ) -> tf.Tensor:
        if labels is None:
            labels = self._draw_labels(seed, self.name, indices)
        z = noise(seed, self.name, indices, self.config.z_size, truncation, kind)
        return self.latents.restore(self.generator(z, labels))

    def between(
        self,
        ends: tf.Tensor,
        labels: tf.Tensor,
        share: tf.Tensor,
        seed: tf.Tensor,
        truncation: tf.Tensor,
        truncation_kind: str = "scale",
    ) -> tf.Tensor:
        """Latents generated from linear interpolations of noise and of class embeddings.

        Args:
            ends: int64 [B, 2], the indices whose noise is at the first and at the second end.
            labels: int32 [B, 2], their classes.
            share: float32 [B], weight of the second end, 0 to 1.
            seed: int32 scalar.
            truncation: float32 scalar.
            truncation_kind: see `noise`.

        Returns:
            float32 [B, size, size, C].
        """

        def point(of_end: Callable[[int], tf.Tensor]) -> tf.Tensor:
            return (1 - share[:, None]) * of_end(0) + share[:, None] * of_end(1)

        def z_of(end: int) -> tf.Tensor:
            size = self.config.z_size
            return noise(seed, self.name, ends[:, end], size, truncation, truncation_kind)

        z = point(z_of)
        embedding = point(lambda end: self.generator.embed(labels[:, end]))
        return self.latents.restore(self.generator.of_embedding(z, embedding))

    def settle(
        self, batches: int, batch_size: int, truncation: float = 1.0, truncation_kind: str = "scale"
    ) -> None:
        """Sets BatchNorm's statistics to those of samples (BigGAN, appendix C.1).

        Call it once the weights to sample with are loaded.

        Args:
            batches: number of batches to average over; 0 keeps the moving averages of training.
            batch_size: samples in a batch.
            truncation, truncation_kind: of the samples' noise, on which statistics depend.
        """
        if batches == 0:
            return
        stream = f"{self.name}/statistics"

        def batch(number: int) -> tuple[tf.Tensor, tf.Tensor]:
            indices = tf.range(number * batch_size, (number + 1) * batch_size, dtype=tf.int64)
            z = noise(0, stream, indices, self.config.z_size, truncation, truncation_kind)
            return z, self._draw_labels(0, stream, indices)

        standing_statistics(self.generator, map(batch, range(batches)), self._in_training)

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return self.latents.encode(images)

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.latents.gain)

    def previews(self, examples: Examples, on_progress: OnProgress) -> dict[str, np.ndarray]:
        """A row of samples for each class; at most as many classes as there are examples."""
        columns = 8
        classes = min(self.num_classes, len(examples.images))
        labels = tf.repeat(tf.range(classes), columns)
        indices = tf.range(len(labels), dtype=tf.int64)
        size = self.largest_batch or len(labels)
        parts = []
        for start in range(0, len(labels), size):
            part = slice(start, start + size)
            request = SampleRequest(indices[part], labels=labels[part], on_progress=on_progress)
            parts.append(self.to_images(self.sample(request)).numpy())
        images = np.concatenate(parts)
        rows = [
            np.concatenate(list(row), axis=1)
            for row in images.reshape(classes, columns, *images.shape[1:])
        ]
        return {"samples, a row for each class": np.stack(rows)}
