#!/usr/bin/env python3
"""Which processors, threads and versions of TensorFlow decode each other's archives.

    python benchmarks/portability.py --output_dir=D [--python=NAME=PYTHON ...] [--cpu=Haswell ...]

A tiny model is trained for a step here, and writes an archive with portable and one with plain
arithmetic. Each row of the table is another way to run `decompress`: with other numbers of threads,
with other interpreters (each with this package and another TensorFlow), and on processors that
qemu emulates (Debian's qemu-user). "yes" means that all pictures came back, "refused" that
`decompress` said so in words; anything else is an error.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
from absl import app, flags
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
_MODEL = (
    *("--image_size=8", "--scale=2", "--batch_size=4", "--pixelcnn_layers=2", "--steps=1"),
    *("--pixelcnn_conv_channels=48", "--pixelcnn_residual_channels=96"),
    *("--decoder_attention_layers=2", "--decoder_attention_channels=32"),
    *("--embedder_conv_layers=2", "--embedder_conv_channels=48", "--embedder_residual_channels=64"),
    *("--embedder_attention_layers=1", "--embedder_attention_channels=32", "--ffn_size=64"),
    *("--dataset=folder", "--evaluate_every=0", "--report=false", "--jit_compile=false"),
    *("--intensity_distribution=logistic_mixture", "--learning_rate=1e-2", "--rmsprop_start=0"),
)

flags.DEFINE_string("output_dir", None, "Directory of model and archives.", required=True)
flags.DEFINE_multi_string("python", [], "NAME=PATH of another interpreter.")
flags.DEFINE_multi_string("cpu", [], "A processor of qemu-x86_64 -cpu help.")
flags.DEFINE_integer("pictures", 5, "Pictures of 8x8 in an archive.")
FLAGS = flags.FLAGS


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def _made(command: list[str]) -> None:
    done = _run(command)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")


def _ways() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Interpreters and environments by name."""
    here = [sys.executable]
    ways = {
        f"{n} threads": (here, {"TF_NUM_INTRAOP_THREADS": str(n), "TF_NUM_INTEROP_THREADS": str(n)})
        for n in (1, 2, 4)
    }
    ways["one core"] = (["taskset", "-c", "0", *here], {})
    ways["oneDNN off"] = (here, {"TF_ENABLE_ONEDNN_OPTS": "0"})
    for text in FLAGS.python:
        name, _, path = text.partition("=")
        ways[name] = ([path], {})
    for cpu in FLAGS.cpu:
        ways[cpu] = (["qemu-x86_64", "-cpu", cpu, *here], {})
    return ways


def main(_: list[str]) -> None:
    output = pathlib.Path(FLAGS.output_dir)
    pictures, model = output / "pictures", f"--workdir={output / 'model'}"
    pictures.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, [FLAGS.pictures, 8, 8, 3], np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(pictures / f"{number}.png")
    here = [sys.executable]
    _made([*here, str(ROOT / "bin/train"), *_MODEL, f"--data_dir={pictures}", model])
    archives = {}
    for mode in ("portable", "noportable"):
        archives[mode] = output / f"{mode}.spn"
        source = (f"--from_images={pictures}", f"--output={archives[mode]}", f"--{mode}")
        _made([*here, str(ROOT / "bin/compress"), model, *source])
    print("| | portable | plain |\n|---|---|---|")
    for name, (python, environment) in _ways().items():
        row = []
        for archive in archives.values():
            shutil.rmtree(output / "back", ignore_errors=True)
            paths = (f"--input={archive}", f"--output_dir={output / 'back'}")
            done = _run([*python, str(ROOT / "bin/decompress"), model, *paths], **environment)
            same = not done.returncode and all(
                np.array_equal(np.asarray(Image.open(output / "back" / f"{n}.png")), image)
                for n, image in enumerate(pixels)
            )
            refused = done.returncode == 1 and "does not come back" in done.stderr
            row.append("yes" if same else "refused" if refused else f"ERROR {done.stderr[-300:]}")
        print(f"| {name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    app.run(main)
