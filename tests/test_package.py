"""The wheel installed into a fresh environment, away from any checkout."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

from tests.cascade_cli.commands import TINY_MODEL

ROOT = pathlib.Path(__file__).resolve().parent.parent
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _run(*command: object, directory: pathlib.Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=directory, env=_ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    directory = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", directory, directory=ROOT)
    (path,) = directory.glob("*.whl")
    return path


def test_the_wheel_has_the_flagfiles_the_typed_marker_and_the_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    flagfiles = {name for name in names if name.startswith("cascade_cli/configs/")}
    assert flagfiles == {
        f"cascade_cli/{p.relative_to(ROOT)}" for p in (ROOT / "configs").rglob("*.flags")
    }
    models = {path.relative_to(ROOT) for path in (ROOT / "models").rglob("*") if path.is_file()}
    assert {f"cascade_tf/{path}" for path in models} == {
        name for name in names if name.startswith("cascade_tf/models/")
    }
    for package in ("cascade_cli", "cascade_tf", "spn_tf", "wavelet_tf"):
        assert {f"{package}/py.typed", f"{package}/__init__.py"} <= {*names}
    assert "spn_tf/__init__.pyi" in names
    (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert any(name.startswith(info) and name.endswith("LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "bin"))]


def test_it_trains_evaluates_samples_and_exports_from_an_empty_folder(wheel, tmp_path):
    python = tmp_path / "env" / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "--quiet")  # pip takes minutes to write TensorFlow's files
    _run(*uv, "venv", "--python", sys.executable, tmp_path / "env", directory=tmp_path)
    folder = tmp_path / "empty"
    folder.mkdir()
    of_env = ("--python", python)
    _run(*uv, "pip", "install", *of_env, f"{wheel}[cpu,demo]", directory=folder)
    _run(*uv, "pip", "check", *of_env, directory=folder)
    command = python.with_name("cascade-tf")
    tiny = [flag for flag in TINY_MODEL if not flag.startswith(("--image_size", "--scale"))]
    _run(
        *(command, "train", "--flagfile=configs/digits.flags", "--workdir=W", *tiny),
        *("--steps=1", "--sample_every=0", "--report=false"),
        directory=folder,
    )
    few = "--num_images=4", "--codecs=false"
    evaluation = _run(command, "evaluate", "--workdir=W", *few, directory=folder)
    assert '"bits_per_dim"' in evaluation.splitlines()[-1]
    card = "--format=safetensors", "--output_dir=M"
    _run(command, "export", "--workdir=W", *card, directory=folder)
    assert (folder / "M" / "README.md").exists()
    for name in [path.parent.name for path in (ROOT / "models").glob("*/README.md")][:1]:
        model = f"--model={name}"
        _run(command, "sample", model, "--num_samples=1", "--output_dir=N", directory=folder)
        assert (folder / "N" / "samples.png").exists()
    version = _run(
        python, "-c", "import cascade_tf; print(cascade_tf.__version__)", directory=folder
    )
    assert _run(command, "--version", directory=folder) == f"cascade-tf {version}"
