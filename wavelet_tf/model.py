"""A trained model of the wavelet family, to call from Python."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.experiment import Experiment
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.endpoints import decoders
from wavelet_tf.family import BigGANFamily, NSBFamily, PixelNSBFamily
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.reconstruction import reconstruct
from wavelet_tf.unit_images import unit_range

FAMILIES = {"nsb": NSBFamily, "nsb_pixel": PixelNSBFamily, "biggan": BigGANFamily}
_STANDING = (16, 64)  # batches for standing statistics, and their size


def load(workdir: str | os.PathLike[str]) -> "WaveletModel":
    """Returns the model that was trained in a workdir, with its averaged weights.

    Args:
        workdir: of `cascade-tf train`, or of `Trainer` directories named for their stages.

    Raises:
        UserError: there is no workdir, or a stage in it is not trained.
    """
    experiment = Experiment(workdir, FAMILIES)
    experiment.require_trained()
    return WaveletModel(experiment.load_stages())


class WaveletModel:
    """A prior or GAN, decoders, or both; images are uint8 [N, H, W, C].

    Args:
        stages: built, coarsest first.
        batch_size: largest number of images in one pass.

    >>> from wavelet_tf import DecoderTrainingConfig, PixelConfig, PixelDecoderStage
    >>> config = PixelConfig(image_size=32, levels=1, pixel_width=4)
    >>> stage = PixelDecoderStage(config, 1, DecoderTrainingConfig())
    >>> stage.build()
    >>> WaveletModel([stage]).upsample(np.zeros([2, 16, 16, 3], np.uint8)).shape
    (2, 32, 32, 3)
    """

    def __init__(self, stages: Sequence[Stage], batch_size: int = 32):
        self.stages, self.batch_size = list(stages), batch_size
        self._settled: tuple[float, str] | None = None

    @property
    def decoders(self) -> list[DecoderStage]:
        """The decoders, coarsest first."""
        return decoders(self.stages)

    def sample(
        self,
        count: int | None = None,
        seed: int = 0,
        *,
        classes: Sequence[int] | None = None,
        truncation: float | None = None,
        truncation_kind: str | None = None,
        temperature: float | None = None,
    ) -> np.ndarray:
        """Samples images through all stages, uint8 [count, H, W, C].

        Args:
            count: number of images; by default one for each of `classes`.
            seed: of all draws.
            classes: of a GAN: one for each image; by default drawn at random.
            truncation, truncation_kind: of a GAN; see `SampleRequest`.
            temperature: of a prior with a likelihood.

        Raises:
            ValueError: there is no prior, or it cannot use one of the arguments.
        """
        if isinstance(self.stages[0], DecoderStage):
            raise ValueError(
                "count: decoders without a prior do not sample; use upsample or decode"
            )
        if count is None:
            count = len(classes or ())
        if classes is not None and len(classes) != count:
            raise ValueError(f"classes: there are {len(classes)}, for {count} images")
        self._settle(truncation, truncation_kind)

        def draw(rows: np.ndarray) -> tf.Tensor:
            request = SampleRequest(
                rows,
                seed,
                temperature,
                truncation,
                truncation_kind,
                labels=None if classes is None else np.take(classes, rows),
            )
            return self.stages[-1].to_images(sample_cascade(self.stages, request)[-1])

        return self._in_batches(draw, count)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encodes uint8 images [N, H, W, C] as latents, float32 [N, h, w, C] (equation 2).

        Raises:
            ValueError: the model has no decoders.
        """
        encoder = self._chain()[0].encoder
        return self._in_batches(lambda rows: encoder.latents(images[rows]), len(images))

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Decodes latents, float32 [N, h, w, C], to uint8 images [N, H, W, C] (equation 3).

        Raises:
            ValueError: the model has no decoders.
        """
        chain = self._chain()

        def decoded(rows: np.ndarray) -> tf.Tensor:
            return chain[-1].to_images(reconstruct(chain, tf.constant(latents[rows]))[-1])

        return self._in_batches(decoded, len(latents))

    def upsample(self, images: np.ndarray) -> np.ndarray:
        """Upsamples small images: uint8 [N, h, w, C] to uint8 [N, H, W, C].

        Raises:
            ValueError: the model has no decoders.
        """
        gain = self._chain()[0].condition_gain
        return self.decode(gain * unit_range(tf.constant(images)).numpy())

    def _chain(self) -> list[DecoderStage]:
        chain = self.decoders
        if not chain:
            raise ValueError("this model has no decoders: it samples whole images")
        return chain

    def _settle(self, truncation: float | None, kind: str | None) -> None:
        """Sets a GAN's standing statistics for a truncation, unless they are set for it."""
        gan, setting = self.stages[0], (1.0 if truncation is None else truncation, kind or "scale")
        if isinstance(gan, GANStage) and self._settled != setting:
            gan.settle(*_STANDING, *setting)
            self._settled = setting

    def _in_batches(self, function: Callable[[np.ndarray], tf.Tensor], count: int) -> np.ndarray:
        rows = np.arange(count)
        starts = range(0, max(count, 1), self.batch_size)
        return np.concatenate([function(rows[s : s + self.batch_size]).numpy() for s in starts])
