#!/usr/bin/env python3
"""Counts the parameters of the paper's configs, and of other readings of Table 4.

    python benchmarks/parameters.py

No weight is allocated: the layers are built with their shapes alone.
"""

import json
import os
import pathlib
import sys
import traceback
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bin"))

import experiment
import flagfiles
import keras
import numpy as np
from absl import flags

from spn_tf.spn_stage import SPNStage

CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs"
# Of Table 4 and Appendix C, by config: millions of parameters.
PAPER = {
    "imagenet32": "~150",
    "imagenet64": "~150",
    "imagenet128": "~250",
    "imagenet256": "~250",
    "imagenet128_multidimensional": "~650 (slice: ~150)",
    "celeba_3bit": "~50",
}
# What the table leaves open, by the flags that read it otherwise.
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
    """Parameters by stage of a flagfile of configs/; flags can be parsed once in a process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _count_in_child(config, overrides, writer)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def _count_in_child(config: str, overrides: list[str], writer: int) -> None:
    path = CONFIGS / f"{config}.flags"
    given = flagfiles.expand([f"--flagfile={path}", "--workdir=/nonexistent"])
    flags.FLAGS(["parameters", *given])
    made = experiment.Experiment()
    v = made.values(made.stage_names[0])
    numbers = {
        "twice": 2 * v["pixelcnn_conv_channels"],
        "shared": round(v["decoder_attention_channels"] / v["decoder_attention_heads"]),
        "embedder_shared": v["embedder_attention_channels"] // v["embedder_attention_heads"],
    }
    flags.FLAGS.unparse_flags()
    flags.FLAGS(["parameters", *given, *(flag.format(**numbers) for flag in overrides)])
    made = experiment.Experiment()
    counts = {name: _count(made.make_stage(name)) for name in made.stage_names}
    os.write(writer, json.dumps(counts).encode())


def _count(stage: SPNStage) -> int:
    shapes: list[tuple[int, ...]] = []

    def add_weight(self: keras.layers.Layer, shape: tuple[int, ...], **_: object) -> None:
        shapes.append(tuple(shape))

    with mock.patch.object(keras.layers.Layer, "add_weight", add_weight):
        stage.build_network()
    return sum(int(np.prod(shape)) for shape in shapes)


def main() -> None:
    for reading, overrides in READINGS.items():
        print(f"\n{reading}")
        for config, paper in PAPER.items():
            counts = parameters(config, overrides)
            parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            print(f"  {config}: {sum(counts.values()) / 1e6:.1f}M (paper: {paper}M)  {parts}")


if __name__ == "__main__":
    main()
