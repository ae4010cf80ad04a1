import subprocess
import sys

import pytest

from cascade_cli.command_line import flags_of
from tests.cascade_cli.commands import run_forked


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("train", "stage"),
        ("evaluate", "split"),
        ("sample", "output_dir"),
        ("export", "output_dir"),
        ("compress", "output"),
        ("decompress", "output_dir"),
    ],
)
def test_help_shows_the_flags_of_the_experiment_and_of_the_command(tmp_path, command, option):
    _, stdout, stderr = run_forked(tmp_path, command, "--help")
    assert stderr == ""
    assert f"cascade-tf {command} --" in stdout  # a command to copy
    names = _flags(stdout)
    assert {"workdir", option} <= {*names}
    assert len(names) <= 25 and "pixelcnn_layers" not in names


def test_help_on_a_family_shows_its_settings_and_full_help_shows_all(tmp_path):
    _, of_spn, _ = run_forked(tmp_path, "train", "--help=spn")
    assert "default: 5" in _flags(of_spn)["embedder_conv_layers"]
    assert "default: 5e-05" in _flags(of_spn)["learning_rate"]
    assert "parameter_attention | dense" in _flags(of_spn)["attention_ffn"]
    assert "gan_z_size" not in _flags(of_spn)
    _, of_nsb, _ = run_forked(tmp_path, "train", "--help=nsb")
    assert "default: 256" in _flags(of_nsb)["image_size"]
    _, full, _ = run_forked(tmp_path, "train", "--helpfull")
    assert {*_flags(of_spn), *_flags(of_nsb), "stage", "workdir"} <= {*_flags(full)}
    assert "haar" in _flags(full)["wavelet"] and "depth" in _flags(full)["stage"]
    for name, entry in flags_of("train").names.items():
        assert " | ".join(entry.facts.choices) in _flags(full)[name]
    _, of_pixelcnn, _ = run_forked(tmp_path, "train", "--help=gated_pixelcnn")
    names = {*_flags(of_spn)} - {*_flags(of_pixelcnn)}
    assert {"scale", "upscaling", "ffn_size", "embedder_conv_layers"} <= names
    code, _, stderr = run_forked(tmp_path, "train", "--help=vae")
    assert code == 2 and stderr.endswith(
        ": use spn, gated_pixelcnn, pixelsnail, image_transformer, "
        "parallel_multiscale, glow, nsb, nsb_pixel, biggan, vqvae2\n"
    )


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["train", "--help"], 0),
        (["train", "--bits=9", "--workdir=W"], 2),
        (["train", "--bitz=9", "--workdir=W"], 2),
        (["sample", "--workdir=missing"], 1),
    ],
)
def test_mistakes_and_help_do_not_import_tensorflow(arguments, code):
    program = (
        "import atexit, sys\n"
        "from cascade_cli import command_line\n"
        "def fail(*_): raise SystemExit(_[-1])\n"
        "command_line.fail = fail\n"
        "atexit.register(lambda: print('tensorflow' in sys.modules, 'keras' in sys.modules))\n"
        f"command_line.main({arguments!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stdout.endswith("False False\n")


def _flags(page: str) -> dict[str, str]:
    """Help texts of a help page by flag."""
    parts = page.split("\n  --")[1:]
    pairs = [part.split(": ", 1) for part in parts if not part.startswith("flagfile")]
    return {name.removeprefix("[no]"): " ".join(text.split()) for name, text in pairs}
