"""A trained model of the wavelet family, to call from Python."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from cascade_tf.cascade import require_usable, sample_cascade
from cascade_tf.choices import TRUNCATION_KINDS
from cascade_tf.counts import checked_count
from cascade_tf.experiment import Experiment
from cascade_tf.family import Family
from cascade_tf.model_arguments import (
    checked_array,
    checked_classes,
    checked_spread,
    checked_truncation,
)
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.biggan.standing_statistics import standing_batches
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.decoding_stage import DecodingStage
from wavelet_tf.endpoints import decoders
from wavelet_tf.family import BigGANFamily, NSBFamily, PixelNSBFamily
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.quantized_prior import QuantizedPrior
from wavelet_tf.reconstruction import reconstruct
from wavelet_tf.unit_images import unit_range
from wavelet_tf.vqvae2.family import VQVAE2Family

FAMILIES: dict[str, type[Family]] = {
    "nsb": NSBFamily,
    "nsb_pixel": PixelNSBFamily,
    "biggan": BigGANFamily,
    "vqvae2": VQVAE2Family,
}
_STANDING = 16  # batches for standing statistics


def load(workdir: str | os.PathLike[str]) -> "WaveletModel":
    """Returns the model that was trained in a workdir, with its averaged weights.

    Args:
        workdir: of `cascade-tf train`, or of `Trainer` directories named for their stages.

    Raises:
        UserError: there is no workdir, or a stage in it is not trained.
    """
    experiment = Experiment(workdir, FAMILIES)
    experiment.require_trained()
    stages = experiment.load_stages()
    if experiment.system == "vqvae2":
        from wavelet_tf.vqvae2.model import VQVAE2Model  # it is a WaveletModel

        return VQVAE2Model(stages)
    return WaveletModel(stages)


class WaveletModel:
    """A prior or GAN, decoders, or both; images are uint8 [N, H, W, C].

    Args:
        stages: built, coarsest first.
        batch_size: largest number of images in one pass; None: 32, and 64 for the batch statistics
            of a GAN.

    Raises:
        ValueError: there are no stages, some of a chain are missing, or `batch_size` is below 1.

    >>> from wavelet_tf import DecoderTrainingConfig, PixelConfig, PixelDecoderStage
    >>> config = PixelConfig(image_size=32, levels=1, pixel_width=4)
    >>> stage = PixelDecoderStage(config, 1, DecoderTrainingConfig())
    >>> stage.build()
    >>> WaveletModel([stage]).upsample(np.zeros([2, 16, 16, 3], np.uint8)).shape
    (2, 32, 32, 3)
    """

    def __init__(self, stages: Sequence[Stage], batch_size: int | None = None):
        self.stages = list(stages)
        if not self.stages:
            raise ValueError("stages: there are none; use the built stages of an experiment")
        self._require_whole_chain()
        size = 32 if batch_size is None else batch_size
        self.batch_size = checked_count("batch_size", size, at_least=1)
        self._standing = standing_batches(_STANDING, batch_size)
        self._settled: tuple[float, str] | None = None

    def _require_whole_chain(self) -> None:
        """Raises ValueError unless there are all decoders of a chain, if any, in order."""
        names, chain = [stage.name for stage in self.stages], self.decoders
        whole = [] if isinstance(self.stages[0], DecoderStage) else names[:1]
        for level in range(1, chain[0].config.levels + 1 if chain else 1):
            whole.append(f"to{chain[0].config.size_of(level)}")
        if names != whole:
            raise ValueError(
                f"stages: {', '.join(names)}; use all of the model: {', '.join(whole)}"
            )

    @property
    def decoders(self) -> list[DecoderStage]:
        """The decoders, coarsest first."""
        return decoders(self.stages)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images."""
        last = self.stages[-1]
        if isinstance(last, DecodingStage):
            assert last.image_shape is not None
            return last.image_shape
        assert isinstance(last, GANStage | QuantizedPrior)
        return last.latents.size, last.latents.size, last.latents.channels

    def sample(
        self,
        count: int | None = None,
        seed: int = 0,
        *,
        classes: Sequence[int] | np.ndarray | None = None,
        truncation: float | None = None,
        truncation_kind: str | None = None,
        temperature: float | None = None,
    ) -> np.ndarray:
        """Samples images through all stages, uint8 [count, H, W, C].

        Args:
            count: number of images; by default one for each of `classes`.
            seed: of all draws.
            classes: one for each image; by default drawn at random.
            truncation, truncation_kind: of a GAN; see `SampleRequest`. A truncation is 0 or more.
            temperature: of a prior with a likelihood; 0 or more.

        Raises:
            ValueError: there is no prior, it cannot use one of the arguments, or an argument is
                out of range.
        """
        if isinstance(self.stages[0], DecoderStage):
            raise ValueError(
                "count: decoders without a prior do not sample; use upsample or decode"
            )
        labels = None if classes is None else self._labels(classes)
        if count is not None:
            count = checked_count("count", count)
        elif labels is not None:
            count = len(labels)
        else:
            raise ValueError("count: use the number of images, or a class for each of them")
        if labels is not None and len(labels) != count:
            raise ValueError(f"classes: there are {len(labels)}, for {count} images")
        if truncation_kind not in (None, *TRUNCATION_KINDS):
            raise ValueError(
                f"truncation_kind={truncation_kind}: use {' or '.join(TRUNCATION_KINDS)}"
            )
        if truncation is not None:
            truncation = float(checked_truncation(truncation))
        if temperature is not None:
            temperature = float(checked_spread("temperature", temperature))
        whole = SampleRequest(
            np.arange(count), seed, temperature, truncation, truncation_kind, labels=labels
        )
        require_usable(self.stages, whole)
        if count:
            self._settle(truncation, truncation_kind)

        def draw(rows: slice) -> tf.Tensor:
            own = None if labels is None else labels[rows]
            request = whole.replace(indices=whole.indices[rows], labels=own)
            return self.stages[-1].to_images(sample_cascade(self.stages, request)[-1])

        return self._in_batches(draw, count, np.uint8, self.image_shape)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encodes uint8 images [N, H, W, C] as latents, float32 [N, h, w, C] (equation 2).

        Raises:
            ValueError: the model has no decoders, or images of another size or dtype.
        """
        encoder = self._chain()[0].encoder
        images = checked_array("images", images, np.uint8, self.image_shape)
        return self._in_batches(
            lambda rows: encoder.latents(images[rows]),
            len(images),
            np.float32,
            self._latent_shape,
        )

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Decodes latents, float32 [N, h, w, C], to uint8 images [N, H, W, C] (equation 3).

        Raises:
            ValueError: the model has no decoders, or latents of another size or dtype, or not
                finite.
        """
        chain = self._chain()
        latents = checked_array("latents", latents, np.floating, self._latent_shape)
        with np.errstate(over="ignore"):
            latents = latents.astype(np.float32)
        if not np.isfinite(latents).all():
            raise ValueError("latents: some are not finite in float32")

        def decoded(rows: slice) -> tf.Tensor:
            return chain[-1].to_images(reconstruct(chain, tf.constant(latents[rows]))[-1])

        return self._in_batches(decoded, len(latents), np.uint8, self.image_shape)

    def upsample(self, images: np.ndarray) -> np.ndarray:
        """Upsamples small images: uint8 [N, h, w, C] to uint8 [N, H, W, C].

        Raises:
            ValueError: the model has no decoders, or images of another size or dtype.
        """
        gain = self._chain()[0].condition_gain
        images = checked_array("images", images, np.uint8, self._latent_shape)
        return self.decode(gain * unit_range(tf.constant(images)).numpy())

    @property
    def _latent_shape(self) -> tuple[int, int, int]:
        c = self._chain()[0].config
        return c.latent_size, c.latent_size, c.channels

    def _labels(self, classes: Sequence[int] | np.ndarray) -> np.ndarray:
        first = self.stages[0]
        if "labels" not in first.accepts:
            raise ValueError("classes: the model is unconditional; leave them out")
        return checked_classes(classes, first.num_classes)

    def _chain(self) -> list[DecoderStage]:
        chain = self.decoders
        if not chain:
            raise ValueError("this model has no decoders: it samples whole images")
        return chain

    def _settle(self, truncation: float | None, kind: str | None) -> None:
        """Sets a GAN's standing statistics for a truncation, unless they are set for it."""
        gan, setting = self.stages[0], (1.0 if truncation is None else truncation, kind or "scale")
        if isinstance(gan, GANStage) and self._settled != setting:
            gan.settle(*self._standing, *setting)
            self._settled = setting

    def _in_batches(
        self,
        function: Callable[[slice], tf.Tensor],
        count: int,
        dtype: type[np.generic],
        shape: Sequence[int],
    ) -> np.ndarray:
        """Results of a function of rows, [count, *shape]."""
        parts = [np.zeros([0, *shape], dtype)]
        for start in range(0, count, self.batch_size):
            parts.append(function(slice(start, start + self.batch_size)).numpy())
        return np.concatenate(parts)
