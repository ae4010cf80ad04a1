"""The models of VQ-VAE-2's codes (Razavi et al., section 3.2).

The top codes have a likelihood model, conditioned on the class. The bottom codes have another,
which is conditioned on the top codes as well.
"""

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.errors import UserError
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from spn_tf.decoders import DecoderConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import LikelihoodTrainingConfig
from wavelet_tf.model_prior import ModelPrior
from wavelet_tf.unit_images import unit_range
from wavelet_tf.vqvae2.autoencoder import Autoencoder
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage
from wavelet_tf.vqvae2.code_maps import joined, pictured
from wavelet_tf.vqvae2.config import CodePriorConfig, VQVAE2Config


class CodeMapStage(SPNStage):
    """A likelihood model of maps of codes, which take the place of images: int32 [B, h, w, 1].

    Its bits per dimension are bits per code. With a guide, `labels` are those of
    `SubscalePixelNetwork.call`, and the condition of a sample is the guide, int32 [B, g, g, 1].
    """

    def __init__(
        self,
        name: str,
        config: DecoderConfig,
        training: LikelihoodTrainingConfig,
        description: Description,
    ):
        super().__init__(name, config, training, description=description)
        self.accepts.remove("known")
        self.accepts += ["condition"] * (config.guide_size > 0)

    def target(self, images: tf.Tensor) -> tf.Tensor:
        return images

    def labels_of(self, classes: tf.Tensor | None, guide: tf.Tensor | None) -> tf.Tensor | None:
        """Labels of a batch, from its classes, int32 [B], and its guide."""
        if guide is None:
            return classes
        guide = tf.reshape(guide, [-1, self.config.guide_size**2])
        if classes is None:
            classes = tf.zeros_like(guide[:, 0])
        return tf.concat([classes[:, None], guide], axis=1)

    def _labels(self, request: SampleRequest) -> tf.Tensor | None:
        return self.labels_of(super()._labels(request), request.condition)


class CodePrior(ModelPrior):
    """A model of the top codes, or of the bottom codes given the top ones.

    It holds a copy of the autoencoder, which encodes the images.

    Args:
        config: sizes of the autoencoder.
        model: of the codes, not yet built.
        dtype: dtype policy of the autoencoder's training, since codes depend on rounding.
    """

    needs = ("autoencoder",)
    model: CodeMapStage

    def __init__(self, config: VQVAE2Config, model: CodeMapStage, dtype: str = "float32"):
        super().__init__(model)
        self.config, self._dtype = config, dtype
        self.accepts, self.num_classes = model.accepts, model.num_classes
        self.image_shape = config.image_size, config.image_size, config.channels
        self.is_bottom = model.config.guide_size > 0

    def build(self) -> None:
        self.model.build()
        self.autoencoder = Autoencoder(self.config, dtype=self._dtype, name="autoencoder")
        self.autoencoder.build()
        self.autoencoder.trainable = False

    def prepare(self, source: Source) -> str:
        """Copies the trained autoencoder."""
        for own, trained in self._pairs_of_weights(self._trained_autoencoder()):
            own.assign(trained.numpy())
        return "codes are those of the trained autoencoder"

    def require_needed(self) -> None:
        self.require_codes_of(self._trained_autoencoder())

    def require_codes_of(self, stage: Stage) -> None:
        """Raises UserError if its copy of the autoencoder is not that of a stage."""
        pairs = self._pairs_of_weights(stage)
        if not all(np.array_equal(own.numpy(), trained.numpy()) for own, trained in pairs):
            raise UserError(
                f"stage {self.name} was trained on the codes of another autoencoder, or of this "
                f"one before it was trained further: delete its folder, and train it again"
            )

    def _trained_autoencoder(self) -> Stage:
        if self.load_needed is None:
            raise ValueError("load_needed: set it to a function that returns the autoencoder")
        return self.load_needed("autoencoder")

    def _pairs_of_weights(self, stage: Stage) -> Iterable[tuple[keras.Variable, keras.Variable]]:
        assert isinstance(stage, AutoencoderStage)
        return zip(self.autoencoder.weights, stage.autoencoder.weights, strict=True)

    def networks(self) -> Mapping[str, keras.Layer]:
        return {**self.model.networks(), "autoencoder": self.autoencoder}

    def _represented(self, examples: Examples) -> Examples:
        top, bottom = self._codes(examples.images)
        if not self.is_bottom:
            return examples._replace(images=top[..., None])
        labels = self.model.labels_of(examples.labels, top)
        return examples._replace(images=bottom[..., None], labels=labels)

    def _codes(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        top, bottom = self.autoencoder.encode(unit_range(images))
        return top.codes, bottom.codes

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Top codes, int32 [B, h, w, 1]; or both as of `joined`, given the top codes."""
        if not self.is_bottom:
            return self.model.sample(request)
        if request.condition is None:
            raise ValueError("condition: the bottom codes need the top codes")
        return joined(request.condition[..., 0], self.model.sample(request)[..., 0])

    def target(self, images: tf.Tensor) -> tf.Tensor:
        top, bottom = self._codes(images)
        return joined(top, bottom) if self.is_bottom else top[..., None]

    def condition(self, images: tf.Tensor) -> tf.Tensor | None:
        return self._codes(images)[0][..., None] if self.is_bottom else None

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        """Codes as colours; see `pictured`."""
        codebook = self.autoencoder.bottom if self.is_bottom else self.autoencoder.top
        return pictured(target[..., 0], codebook.vectors(), self.config.channels)


def require_codes_of_the_autoencoder(stages: Sequence[Stage]) -> None:
    """Raises UserError if models of codes were trained on those of another autoencoder.

    Args:
        stages: of a VQ-VAE-2, with their weights; the autoencoder is the last one.
    """
    *priors, autoencoder = stages
    for prior in priors:
        assert isinstance(prior, CodePrior)
        prior.require_codes_of(autoencoder)


def code_prior(
    name: str,
    config: VQVAE2Config,
    prior: CodePriorConfig,
    model: DecoderConfig,
    training: LikelihoodTrainingConfig,
    unrecorded: frozenset[str] = frozenset(),
    dtype: str = "float32",
) -> CodePrior:
    """The stage "top" or "bottom".

    Args:
        name: of the stage.
        config: sizes of the autoencoder.
        prior: kind of the model.
        model: sizes of the model, with `codes`, and a guide for the bottom codes.
        training: settings of its training.
        unrecorded: see `Description`.
        dtype: see `CodePrior`.
    """
    description = Description("vqvae2", (config, prior, model, training), unrecorded)
    return CodePrior(config, CodeMapStage(name, model, training, description), dtype)
