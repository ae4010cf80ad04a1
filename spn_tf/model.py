"""A trained cascade of Subscale Pixel Networks as a Python object."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.cascade import sample_cascade
from cascade_tf.class_record import load_classes
from cascade_tf.counts import checked_count
from cascade_tf.experiment import Experiment
from cascade_tf.model_arguments import as_array, checked_array, checked_classes, checked_spread
from cascade_tf.sample_request import SampleRequest
from cascade_tf.shipped_models import located
from cascade_tf.shipped_models import models as models  # beside `load`, which takes the names
from spn_tf.compression.compressor import Compressor
from spn_tf.compression.picture import Picture
from spn_tf.compression.tiles import keeps_colours, to_tiles, with_channels
from spn_tf.family import FAMILIES
from spn_tf.given_pictures import accepted_sizes, known_targets, spread
from spn_tf.likelihood_stage import LikelihoodStage


def load(workdir: str | os.PathLike[str]) -> "SPNModel":
    """Returns a trained model, with its averaged weights.

    Args:
        workdir: of `cascade-tf train`; or a directory that holds one directory of a `Trainer`
            for each stage, of the stage's name; or the directory of a model that
            `cascade-tf export --format=safetensors` wrote; or a name of `models`. A workdir of that
            name in the working directory comes first.

    Raises:
        UserError: there is no workdir or model, or a stage in it is not trained or damaged.

    >>> load("runs/digits").sample(16).shape  # doctest: +SKIP
    (16, 32, 32, 1)
    """
    experiment = Experiment(located(workdir), FAMILIES)
    experiment.require_trained()
    stages: list[Any] = experiment.load_stages()
    model = SPNModel(stages)
    if model.num_classes > 1:
        model.class_names = list(load_classes(experiment.directory(stages[-1].name)))
    return model


class SPNModel:
    """Samples, scores and upscales images; all of them are uint8 on the 8-bit scale.

    The likelihood is exact, but of a Glow it is a lower bound, of one draw of noise.

    Args:
        stages: built, coarsest first, all of one upscaling.
        batch_size: largest number of images in one pass.

    Attributes:
        class_names: of the classes in the order of their numbers; empty if the training did not
            record them.

    Raises:
        ValueError: there are no stages, the first ones are missing, or `batch_size` is below 1.

    >>> import spn_tf
    >>> config = spn_tf.SPNConfig.small(height=4, width=4, channels=1, scale=2)
    >>> stage = spn_tf.SPNStage("spn", config, spn_tf.SPNTrainingConfig())
    >>> stage.build()
    >>> model = spn_tf.SPNModel([stage])
    >>> images = model.sample(2, seed=7)
    >>> images.shape, model.log_prob(images).shape
    ((2, 4, 4, 1), (2,))
    """

    def __init__(self, stages: Sequence[LikelihoodStage], batch_size: int = 32):
        self.stages = list(stages)
        self.class_names: list[str] = []
        self._last_compressor: Compressor | None = None
        if not self.stages:
            raise ValueError("stages: there are none; use the built stages of a cascade")
        for number, stage in enumerate(self.stages):
            if ("condition" in stage.accepts) != (number > 0):
                raise ValueError(f"stages: {stage.name} is out of place; use all, coarsest first")
        self.batch_size = checked_count("batch_size", batch_size, at_least=1)
        c = self.stages[-1].config
        images = tf.TensorSpec([None, c.height, c.width, c.channels], tf.uint8)
        self._log_prob = tf.function(
            lambda *batch: tf.add_n([stage.log_prob(*batch) for stage in self.stages]),
            input_signature=[images, tf.TensorSpec([None], tf.int32)],
            autograph=False,
        )

    @property
    def num_classes(self) -> int:
        """The number of classes; 1 if the model is unconditional."""
        return max(stage.num_classes for stage in self.stages)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images."""
        c = self.stages[-1].config
        return c.height, c.width, c.channels

    def sample(
        self,
        count: int,
        seed: int = 0,
        temperature: float | Sequence[float] = 1.0,
        classes: Sequence[int] | np.ndarray | None = None,
    ) -> np.ndarray:
        """Draws images, uint8 [count, H, W, C]; below 8 bits, the low bits are zero.

        Args:
            count: number of images. Equal numbers, seeds and classes give equal images.
            seed: of all draws.
            temperature: divides the logits; one for all stages, or one for each. 0 takes the most
                likely intensities.
            classes: of a class-conditional model: one for each image, in [0, num_classes); by
                default drawn evenly.

        Raises:
            ValueError: a negative count, a temperature that is negative or not finite, or classes
                that the model does not know.
        """
        count = checked_count("count", count)
        return self._draw(count, seed, temperature, self._labels(classes, count))

    def log_prob(
        self, images: np.ndarray, classes: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """Exact log-probability of images at the model's bits, float32 [N] nats.

        Args:
            images: uint8 [N, H, W, C].
            classes: of a class-conditional model: one for each image, in [0, num_classes).

        Raises:
            ValueError: images of another shape or dtype, or classes that are missing or unknown.
        """
        images = checked_array("images", images, np.uint8, self.image_shape)
        labels = self._labels(classes, len(images))
        if labels is None:
            if self.num_classes > 1:
                raise ValueError(
                    f"classes: the model is class-conditional; give each image a number from 0 to "
                    f"{self.num_classes - 1}"
                )
            labels = np.zeros([len(images)], np.int32)
        batches = self._batches(len(images))
        parts = [self._log_prob(images[rows], labels[rows]).numpy() for rows in batches]
        return np.concatenate([np.zeros([0], np.float32), *parts])

    def bits_per_dim(
        self, images: np.ndarray, classes: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """Bits per dimension of each image: -log_prob / (H * W * C * ln 2), float32 [N]."""
        dimensions = self.stages[-1].dimensions
        return -self.log_prob(images, classes) / np.float32(dimensions * np.log(2))

    def upscale(
        self,
        images: np.ndarray,
        seed: int = 0,
        temperature: float | Sequence[float] = 1.0,
        classes: Sequence[int] | np.ndarray | None = None,
    ) -> np.ndarray:
        """Draws large images from small ones, or full bit depth from few bits (sections 2.3, 2.4).

        Args:
            images: uint8 [N, h, w, C]. Images of a slice's size become the first slice, with all
                their bits. Of images of full size, the coarse bits of the last stage are kept.
            seed, temperature, classes: see `sample`.

        Returns:
            uint8 [N, H, W, C].

        Raises:
            ValueError: images of another size or dtype; or see `sample`.
        """
        sizes, channels = accepted_sizes(self.stages), self.image_shape[2]
        allowed = " or ".join(f"{h}x{w}" for h, w in sizes) or "no"
        needed = f"the model upscales {allowed} images of {channels} channels, uint8"
        images = as_array("images", images, needed)
        bits = {(*size, channels): bits for size, bits in sizes.items()}.get(images.shape[1:])
        if bits is None or images.dtype != np.uint8:
            raise ValueError(f"images: {images.dtype} {images.shape}; {needed}")
        labels = self._labels(classes, len(images))
        return self._draw(len(images), seed, temperature, labels, images, bits)

    def compress(
        self,
        images: Iterable[np.ndarray],
        classes: Sequence[int] | np.ndarray | None = None,
        portable: bool = False,
    ) -> bytes:
        """Images of any size as the bytes of an archive, without loss (docs/format.md).

        The archive's size is that of `log_prob`, to a few bytes. It is decoded and compared before
        it is returned. Images that the model cannot code are in it as PNG files.

        Args:
            images: uint8 [H, W, C] each.
            classes: of a class-conditional model: one for each image, in [0, num_classes); by
                default the most likely ones.
            portable: whether processors with other instructions and other versions of TensorFlow
                can read it. That computes in float64, which takes up to three times as long.

        Raises:
            ValueError: images of another dtype or number of channels, or unknown classes.

        >>> import spn_tf
        >>> config = spn_tf.SPNConfig.small(height=4, width=4, channels=1, scale=2, bits=2)
        >>> stage = spn_tf.SPNStage("spn", config, spn_tf.SPNTrainingConfig())
        >>> stage.build()
        >>> model, image = spn_tf.SPNModel([stage]), np.zeros([2, 3, 1], np.uint8)
        >>> [restored.tolist() for restored in model.decompress(model.compress([image]))]
        [[[[0], [0], [0]], [[0], [0], [0]]]]
        """
        pixels = [as_array("images", image, "uint8 [H, W, C] each") for image in images]
        for image in pixels:
            is_picture = image.ndim == 3 and image.size and image.shape[2] in (1, 3)
            if image.dtype != np.uint8 or not is_picture:
                raise ValueError(
                    f"images: one is {image.dtype} {list(image.shape)}; they are a list of uint8 "
                    f"[H, W, 1] or [H, W, 3]"
                )
        labels = self._labels(classes, len(pixels))
        if labels is None:
            labels = self.likely_classes(pixels)
        pictures = [
            Picture(image, label=int(label)) for image, label in zip(pixels, labels, strict=True)
        ]
        return self._compressor.write(pictures, portable=portable).data

    def decompress(self, data: bytes) -> list[np.ndarray]:
        """The images of an archive, uint8 [H, W, C] each.

        Raises:
            TypeError: `data` is a path or something else, and not bytes.
            UserError: the archive is damaged or of another model, or this machine's arithmetic
                differs from the encoder's.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data: {type(data).__name__}; use the bytes of an archive")
        return [restored.as_pixels() for restored in self._compressor.read(bytes(data))]

    @property
    def _compressor(self) -> Compressor:
        """The last one, with its compiled programs, unless the weights have changed."""
        if self._last_compressor is None or not self._last_compressor.is_current():
            self._last_compressor = Compressor(self.stages)
        return self._last_compressor

    def likely_classes(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The class under which each image has the highest likelihood, int32 [N].

        Args:
            images: uint8 [H, W, C] of any size; those with colours that the model lacks get 0.
        """
        found = np.zeros([len(images)], np.int32)
        if self.num_classes == 1:
            return found
        for number, image in enumerate(images):
            if image.size and keeps_colours(image, self.image_shape[2]):
                whole = with_channels(image, self.image_shape[2])
                tiles = to_tiles(whole, self.image_shape[:2])
                scores = [
                    self.log_prob(tiles, np.full([len(tiles)], label)).sum()
                    for label in range(self.num_classes)
                ]
                found[number] = np.argmax(scores)
        return found

    def _labels(self, classes: Sequence[int] | np.ndarray | None, count: int) -> np.ndarray | None:
        """Classes, one for each of `count` images, int32 [count]; None if there are none."""
        if classes is None:
            return None
        if self.num_classes == 1:
            raise ValueError("classes: the model is unconditional; leave them out")
        labels = checked_classes(classes, self.num_classes)
        if len(labels) != count:
            raise ValueError(f"classes: there are {len(labels)}, for {count} images")
        return labels

    def _draw(
        self,
        count: int,
        seed: int,
        temperature: float | Sequence[float],
        labels: np.ndarray | None,
        to_upscale: np.ndarray | None = None,
        bits: int = 0,
    ) -> np.ndarray:
        temperatures = checked_spread("temperature", temperature, len(self.stages))
        height, width, channels = self.image_shape
        batches = [np.zeros([0, height, width, channels], np.uint8)]
        for rows in self._batches(count):
            known = None
            if to_upscale is not None:
                pixels = spread(to_upscale[rows], height, width)
                known = known_targets(self.stages, pixels, tf.constant(bits))
            own = None if labels is None else labels[rows]
            request = SampleRequest(np.arange(count)[rows], seed, labels=own)
            targets = sample_cascade(self.stages, request, list(temperatures), known)
            batches.append(self.stages[-1].to_images(targets[-1]).numpy())
        return np.concatenate(batches)

    def _batches(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.batch_size):
            yield slice(start, min(start + self.batch_size, count))
