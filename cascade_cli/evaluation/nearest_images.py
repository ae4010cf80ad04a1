"""A picture of samples beside the training images that are nearest to them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from cascade_cli.evaluation.report import PLOTS
from cascade_tf.pictures import enlarge, png_bytes, sheet

BESIDE = 3  # training images beside a sample
TRAINING_IMAGES = 10_000  # at most, to find the nearest of


def nearest_page(samples: np.ndarray, training: Iterable[np.ndarray], numbers: np.ndarray) -> bytes:
    """Content of a PNG file with a strip for each sample: the sample, then training images.

    Args:
        samples: uint8 [N, H, W, C].
        training: batches of training images, uint8 [b, H, W, C].
        numbers: int [N, K], those of the images to show, counted over the batches.
    """
    wanted, first = set(numbers.ravel().tolist()), 0
    images: dict[int, np.ndarray] = {}
    for batch in training:
        images |= {first + i: image for i, image in enumerate(batch) if first + i in wanted}
        first += len(batch)
    strips = [
        sheet(np.stack([sample, *(images[number] for number in own)]), 1 + len(own), gap=1)
        for sample, own in zip(samples, numbers.tolist(), strict=True)
    ]
    return png_bytes(enlarge(sheet(np.stack(strips), gap=4)))


def nearest_in_words(figures: dict[str, Any]) -> str:
    """A line for the terminal.

    >>> nearest_in_words({"training_images": 3264})
    'nearest.png: samples beside the nearest of 3,264 training images'
    """
    count = figures["training_images"]
    line = f"{PLOTS[2]}: samples beside the nearest of {count:,} training images"
    if "share_nearer" in figures:
        line += (
            f"; {figures['share_nearer']:.1%} of all samples are nearer to a training image "
            f"than to a held-out one ({figures['share_nearer_expected']:.1%} without memorisation)"
        )
    return line
