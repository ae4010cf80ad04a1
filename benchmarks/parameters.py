#!/usr/bin/env python3
"""Counts the parameters of the paper's configs and of other readings of Table 4.

    python benchmarks/parameters.py

No weights are allocated: the layers are built from shapes alone.
"""

import os
import pathlib
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app

from cascade_cli.command_line import flags_of, open_experiment
from spn_tf.config import SPNConfig

CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs"
# Millions of parameters in Table 4 and Appendix C, by config.
PAPER = {
    "imagenet32": "~150",
    "imagenet64": "~150",
    "imagenet128": "~250",
    "imagenet256": "~250",
    "imagenet128_multidimensional": "~650 (slice: ~150)",
    "celeba_3bit": "~50",
}
# Other readings of points that the table leaves open, each with the flags that select it.
READINGS = {
    "as here": [],
    "512 rows of parameter_attention": ["--ffn_size=512"],
    "2048 rows": ["--ffn_size=2048"],
    "dense feed-forward layers of 4 x 1280": ["--attention_ffn=dense", "--ffn_size=5120"],
    "conv channels after the gate": ["--pixelcnn_conv_channels={twice}"],
    "attention channels of all heads together": [
        "--decoder_attention_channels={shared}",
        "--embedder_attention_channels={embedder_shared}",
    ],
}


def parameters(config: str, overrides: list[str]) -> dict[str, int]:
    """Number of parameters by stage, for a flagfile of configs/ with `overrides`."""
    arguments = [f"--flagfile={CONFIGS / config}.flags", "--workdir=/nonexistent"]
    _, experiment = open_experiment(arguments, flags_of("train"))
    c = experiment.settings(SPNConfig, experiment.stage_names[0])
    numbers = {
        "twice": 2 * c.pixelcnn_conv_channels,
        "shared": round(c.decoder_attention_channels / c.decoder_attention_heads),
        "embedder_shared": c.embedder_attention_channels // c.embedder_attention_heads,
    }
    changed = [*arguments, *(flag.format(**numbers) for flag in overrides)]
    _, experiment = open_experiment(changed, flags_of("train"))
    return {name: _count(experiment.make_stage(name)) for name in experiment.stage_names}


def _count(stage: Any) -> int:
    shapes: list[tuple[int, ...]] = []

    def add_weight(
        self: keras.layers.Layer, shape: tuple[int, ...], trainable: bool = True, **_: object
    ) -> None:
        if trainable:
            shapes.append(tuple(shape))

    with mock.patch.object(keras.layers.Layer, "add_weight", add_weight):
        stage.build_network()
    return sum(int(np.prod(shape)) for shape in shapes)


def main(_: list[str]) -> None:
    for reading, overrides in READINGS.items():
        print(f"\n{reading}")
        for config, paper in PAPER.items():
            counts = parameters(config, overrides)
            parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            print(f"  {config}: {sum(counts.values()) / 1e6:.1f}M (paper: {paper}M)  {parts}")


if __name__ == "__main__":
    app.run(main)
