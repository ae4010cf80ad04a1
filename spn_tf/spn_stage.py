"""The Subscale Pixel Network as a stage: trained by slices, evaluated exactly (section 3.3)."""

import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.sample_request import SampleRequest
from cascade_tf.settings import Settings
from spn_tf.bit_depth import quantize
from spn_tf.decoders import DecoderConfig
from spn_tf.dropout import KeyedDropout
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.sampling import UNKNOWN, Sampler
from spn_tf.subscale_pixel_network import SubscalePixelNetwork
from spn_tf.training_config import LikelihoodTrainingConfig
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


class SPNStage(LikelihoodStage):
    """All slices of an image in subscale ordering, unconditional or given a coarser image.

    It is one of three stages of the paper, by its condition:

    - none: an unconditional image model (equation 2);
    - the first slice, which a slice stage samples: size upscaling (section 2.3). It is trained on
      every slice all the same, so it is an unconditional image model as well;
    - the image's coarse bits: depth upscaling (equation 4).

    The baselines that draw an image pixel after pixel are stages of this kind too, of one slice.

    Args:
        name: of the stage.
        config: of the network, and by its class of which; `coarse_bits` above 0 make it a depth
            stage.
        training: its training settings.
        first_slice_given: True for a size stage.
        description: of the stage; by default that of an unconditional image model. Other stages
            need one to be trained, since their records must describe the whole cascade;
            `make_stages` supplies it.

    Attributes:
        first_slice_given: whether the first slice of each image is the stage's condition.
        models_first_slice: whether the network knows p(first slice), even if it is given.

    >>> from spn_tf import SPNConfig, SPNTrainingConfig
    >>> config = SPNConfig(height=4, width=4, bits=3, scale=2)
    >>> stage = SPNStage("spn", config, SPNTrainingConfig())
    >>> int(tf.reduce_max(stage.target(tf.fill([2, 4, 4, 3], tf.constant(255, tf.uint8)))))
    7
    """

    config: DecoderConfig
    network: SubscalePixelNetwork
    models_first_slice = True

    def __init__(
        self,
        name: str,
        config: DecoderConfig,
        training: LikelihoodTrainingConfig,
        first_slice_given: bool = False,
        description: Description | None = None,
    ):
        if description is None and config.system == "spn":
            conditional = config.coarse_bits > 0 or first_slice_given
            kind = PartOfACascade if conditional else Description
            description = kind("spn", (UpscalingConfig(), config, training))
        super().__init__(name, config, training, description)
        self.first_slice_given = first_slice_given
        self.accepts.append("known")
        if config.coarse_bits or first_slice_given:
            self.accepts.append("condition")
        self.sampling_parts = config.scale**2  # slices

    def build_network(self) -> None:
        """Creates the weights of the network alone."""
        policy = self.training.dtype_policy
        self.network = SubscalePixelNetwork(self.config, dtype=policy, name=self.name)
        self.network.build()

    def build(self) -> None:
        super().build()
        self.sampler = Sampler(self.network, stream=f"{self.name}/sampling")

    def _training_nats(self, examples: Examples) -> tf.Tensor:
        """Monte Carlo estimates: of a slice for each image, drawn uniformly, times S*S."""
        first = int(not self.models_first_slice)
        slices = self.config.scale**2 - first
        nats = self.network.slice_nats(
            self._training_target(examples),
            first + self._draw("slice", examples.indices, slices),
            self._dropout(examples.indices),
            examples.labels,
        )
        return nats * slices

    def _training_target(self, examples: Examples) -> tf.Tensor:
        """The network's training target, int32 [B, H, W, C] of its size and bits."""
        return self.target(examples.images)

    def _dropout(self, indices: tf.Tensor) -> KeyedDropout:
        c, seed = self.config, self.training.seed
        return KeyedDropout(c.dropout, c.convolution_dropout, seed, self.name, indices)

    def evaluate_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        """`nats`: the stage's term of the cascade's nats; `bits_per_dim`: of all slices it models.

        They measure the same, except for a size stage: its `nats` leave out the first slice.
        """
        nats = self._slice_nats(examples.images, examples.labels, self.batch_parts)
        return {
            "nats": self._part(nats),
            "bits_per_dim": self.bits_per_dim(tf.reduce_sum(nats, axis=1)),
        }

    def _slice_nats(
        self, images: tf.Tensor, labels: tf.Tensor | None, side_by_side: int = 1
    ) -> tf.Tensor:
        """-log p of all slices that the stage models, [B, slices], the first one first."""
        first = int(not self.models_first_slice)
        return self.network.all_slice_nats(self.target(images), labels, side_by_side, first)

    def log_prob(self, images: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        return -self._part(self._slice_nats(images, labels))

    def _part(self, nats: tf.Tensor) -> tf.Tensor:
        """The stage's term of the cascade's nats, [B], from those of `_slice_nats`."""
        leave_out = self.first_slice_given and self.models_first_slice
        return tf.reduce_sum(nats[:, 1:] if leave_out else nats, axis=1)

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

    def condition(self, images: tf.Tensor) -> tf.Tensor | None:
        c = self.config
        if c.coarse_bits:
            return quantize(images, c.coarse_bits)
        return self.target(images)[:, :: c.scale, :: c.scale] if self.first_slice_given else None
