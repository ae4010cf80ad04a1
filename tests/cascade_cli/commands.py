"""Runs the commands as a user does, with the flags of models small enough for tests."""

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping

BIN = pathlib.Path(__file__).resolve().parents[2] / "bin"

TINY_MODEL = (
    "--image_size=8",
    "--scale=2",
    "--batch_size=4",
    "--learning_rate=1e-3",
    "--pixelcnn_layers=1",
    "--pixelcnn_conv_channels=12",
    "--pixelcnn_residual_channels=6",
    "--decoder_attention_layers=1",
    "--decoder_attention_heads=2",
    "--decoder_attention_channels=4",
    "--embedder_conv_layers=1",
    "--embedder_conv_channels=4",
    "--embedder_residual_channels=8",
    "--embedder_attention_layers=0",
    "--ffn_size=8",
    "--evaluate_every=0",
    "--jit_compile=false",
    "--report=false",
)
TINY_GAN = (
    "--num_classes=10",
    "--gan_generator_width=8",
    "--gan_discriminator_width=8",
    "--gan_z_size=12",
    "--gan_class_embedding=5",
    "--gan_attention_size=8",
)
TINY_VQVAE2 = (
    "--num_classes=10",
    "--vq_stride=2",
    "--vq_codes=12",
    "--vq_code_size=4",
    "--vq_width=8",
    "--vq_residual_blocks=1",
    "--vq_residual_width=4",
    "--pixelsnail_blocks=1",
    "--pixelsnail_residual_blocks=1",
    "--pixelsnail_filters=8",
    "--pixelsnail_key_channels=2",
    "--guide_layers=1",
)


def start(command: str, *arguments: object) -> subprocess.Popen:
    """Starts `bin/command` in a new process with piped output."""
    return subprocess.Popen(
        [sys.executable, str(BIN / command), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )


def run(command: str, *arguments: object) -> subprocess.CompletedProcess:
    """Runs `bin/command` to its end and asserts exit code 0."""
    code, stdout, stderr = run_forked(pathlib.Path.cwd(), command, *arguments)
    assert code == 0, stderr
    return subprocess.CompletedProcess([command, *arguments], code, stdout, stderr)


def train(*arguments: object) -> None:
    """Runs `bin/train` eagerly, as tracing takes longer than a few small steps, and no report."""
    run("train eagerly", *arguments, "--report=false")


def run_forked(directory: pathlib.Path, command: str, *arguments: object) -> tuple[int, str, str]:
    """Runs `bin/command` in a directory; returns exit code, stdout and stderr.

    It runs in a fork of a process that has imported TensorFlow. Importing it again for every
    command would take most of the tests' time.
    """
    job = {"directory": str(directory), "command": command, "arguments": [*map(str, arguments)]}
    return run_side_by_side([job])[0]


def run_side_by_side(jobs: list[dict]) -> list[tuple[int, str, str]]:
    """Runs commands in parallel; `forked_commands.py` describes a job."""
    server = _fork_server()
    print(json.dumps(jobs), file=server.stdin, flush=True)
    return [tuple(answer) for answer in json.loads(server.stdout.readline())]


@functools.cache
def _fork_server() -> subprocess.Popen:
    """Starts `forked_commands.py`, which ends when this process ends and closes its stdin."""
    return subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("forked_commands.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )


def files(*directories: pathlib.Path) -> Mapping[pathlib.Path, bytes | None]:
    """All paths under the directories, with the content of files and None for directories."""
    paths = [path for directory in directories for path in directory.rglob("*")]
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


@functools.cache
def _environment() -> dict[str, str]:
    """The environment without TF_CPP_MIN_LOG_LEVEL: the commands must silence TensorFlow.

    Keras and Matplotlib are set up for other work of the user's, which the commands must ignore.
    """
    keras_home = pathlib.Path(tempfile.mkdtemp())
    settings = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float16"}
    (keras_home / "keras.json").write_text(json.dumps(settings))
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return kept | {
        "KERAS_HOME": str(keras_home),
        "KERAS_BACKEND": "jax",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
