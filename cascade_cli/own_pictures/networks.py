"""Networks to choose from, from small to large, with the measured cost of a training step."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from spn_tf.config import SMALL, SPNConfig

_OVERHEAD = 0.005  # seconds of a step that do not depend on the network: input, Python


@dataclasses.dataclass(frozen=True)
class Machine:
    """Speed of a machine.

    Attributes:
        product: seconds of a product of two float32 matrices of 1024x1024.
        cores: number of CPU cores.
        parts: of a batch, one for each core; 1: cores share operations, or there is a GPU.
    """

    product: float
    cores: int
    parts: int = 1


@dataclasses.dataclass(frozen=True)
class Network:
    """Widths and depths of a Subscale Pixel Network.

    Attributes:
        sizes: fields of SPNConfig that differ from `SPNConfig.small`.
        weights: number of weights at 32x32 pixels in colour, with a mixture of logistics.
        cost: time of a step at 32x32 pixels in colour, scale 4 and batch 32, in products of two
            matrices of 1024x1024 (`benchmarks/own_pictures.py`).
    """

    sizes: Mapping[str, int]
    weights: int
    cost: float

    def flags(self) -> dict[str, Any]:
        """All widths and depths by flag."""
        small = SPNConfig.small(**self.sizes)
        return {name: getattr(small, name) for name in SMALL}

    def seconds_of_a_step(
        self, machine: Machine, batch_size: int, image_size: int, scale: int, channels: int
    ) -> float:
        """Rough time of a training step without its input, within a factor of about two.

        Args:
            machine: its speed.
            batch_size: images of a step, each of which trains one slice.
            image_size, scale, channels: of the images.

        >>> machine = Machine(product=0.006, cores=2)
        >>> f"{NETWORKS[0].seconds_of_a_step(machine, 32, 32, 4, 3):.3f}"
        '0.035'
        """
        pixels = batch_size * (image_size / scale) ** 2
        work = self.cost * pixels / _PIXELS
        if channels == 1:
            work *= 0.7
        if scale > 4:  # the embedder has 2 * scale * (scale - 1) slices as its input
            work *= scale / 4
        return _OVERHEAD + work * machine.product


_PIXELS = 32 * 8 * 8  # of a step whose cost was measured

NETWORKS = (
    Network({}, weights=277_104, cost=5),
    Network(
        dict(
            pixelcnn_layers=6,
            pixelcnn_conv_channels=64,
            pixelcnn_residual_channels=96,
            embedder_conv_layers=3,
            embedder_conv_channels=48,
            embedder_residual_channels=96,
        ),
        weights=599_104,
        cost=9,
    ),
    Network(
        dict(
            pixelcnn_layers=10,
            pixelcnn_conv_channels=64,
            pixelcnn_residual_channels=128,
            decoder_attention_layers=2,
            embedder_conv_layers=3,
            embedder_conv_channels=64,
            embedder_residual_channels=128,
            embedder_attention_layers=2,
        ),
        weights=1_134_960,
        cost=15,
    ),
    Network(
        dict(
            pixelcnn_layers=15,
            pixelcnn_conv_channels=96,
            pixelcnn_residual_channels=192,
            decoder_attention_layers=2,
            embedder_conv_layers=3,
            embedder_conv_channels=64,
            embedder_residual_channels=192,
            embedder_attention_layers=2,
        ),
        weights=2_686_512,
        cost=32,
    ),
    Network(
        dict(
            pixelcnn_layers=15,
            pixelcnn_conv_channels=128,
            pixelcnn_residual_channels=320,
            decoder_attention_layers=3,
            decoder_attention_heads=4,
            embedder_conv_layers=4,
            embedder_conv_channels=128,
            embedder_residual_channels=320,
            embedder_attention_layers=3,
            embedder_attention_heads=4,
            ffn_size=256,
        ),
        weights=7_292_016,
        cost=84,
    ),
)
