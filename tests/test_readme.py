"""README and docs: Python runs, commands parse, names exist, API pages show all public names."""

import ast
import pathlib
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf

import cascade_tf
import spn_tf
from cascade_cli.command_line import COMMANDS, flags_of, open_experiment
from cascade_tf.data import ArraySource

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
API = ROOT / "docs" / "api"
_PYTHON = re.compile(r"^(<!-- not run.*\n)?```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^ +(?:\w+=\S+ )*cascade-tf (?:.*\\\n)*.*$", re.MULTILINE)
_INLINE = re.compile(r"`(cascade-tf [a-z]+ [^`]*)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_FOLDERS = {
    *("configs", "cascade_cli", "cascade_tf", "spn_tf", "wavelet_tf"),
    *("tests", "benchmarks", "examples"),
}
_FILE = re.compile(rf"[\w/.]+\.pyi?|(?:{'|'.join(_FOLDERS)})/[\w/.]*")


def _blocks(page: pathlib.Path) -> list[str]:
    """The page's blocks of Python, without those that it marks as not run."""
    return [block for skip, block in _PYTHON.findall(page.read_text()) if not skip]


def _train(directory: pathlib.Path) -> None:
    """Trains a model of 8x8 images in slices of 2x2 for one step."""
    config = spn_tf.SPNConfig(
        height=8,
        width=8,
        scale=4,
        pixelcnn_layers=1,
        pixelcnn_conv_channels=8,
        pixelcnn_residual_channels=8,
        decoder_attention_layers=0,
        embedder_conv_layers=0,
        embedder_attention_layers=0,
        embedder_residual_channels=8,
    )
    stage = spn_tf.SPNStage("spn", config, spn_tf.SPNTrainingConfig())
    training = cascade_tf.TrainingConfig(steps=1, batch_size=2)
    source = ArraySource(np.zeros([2, 8, 8, 3], np.uint8))
    cascade_tf.Trainer(stage, training, source, directory / "spn").train()


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> pathlib.Path:
    """A directory with a trained model in its workdir `W`."""
    directory = tmp_path_factory.mktemp("readme")
    tf.config.run_functions_eagerly(True)
    try:
        _train(directory / "W")
    finally:
        tf.config.run_functions_eagerly(False)
    return directory


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)], ids=lambda p: p.stem)
def test_the_python_blocks_of_a_page_run_in_order(page, workdir, monkeypatch, eagerly):
    monkeypatch.chdir(workdir)
    names: dict = {}
    for block in _blocks(page):
        # Sampling has many small steps, so eagerly it takes longer than compilation does.
        tf.config.run_functions_eagerly(".sample(" not in block)
        exec(block.replace("steps=1000", "steps=1, batch_size=2"), names)
    tf.config.run_functions_eagerly(False)
    if page.name == "README.md":
        assert names["large"].shape == (4, 8, 8, 3)
        assert names["model"].image_shape == (16, 16, 3)
        assert names["images"].shape == (2, 64, 64, 3)


def _commands() -> list[tuple[str, str]]:
    """(page, command) of every `cascade-tf COMMAND ...` on a line of its own or in backticks."""
    commands = []
    for page in PAGES:
        text = page.read_text()
        lines = [line.replace("\\\n", " ") for line in _COMMAND.findall(text)]
        lines += _INLINE.findall(text)
        commands += [(str(page.relative_to(ROOT)), line) for line in lines]
    return commands


@pytest.mark.parametrize(("page", "line"), _commands())
def test_every_command_parses(page, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without workdirs; configs/ are those of the package
    words = shlex.split(line.replace("gs://", ""), comments=True)  # to bucket paths, without a call
    command, *arguments = words[words.index("cascade-tf") + 1 :]
    arguments = [argument for argument in arguments if argument != "&"]
    if any(argument.startswith("--help") for argument in arguments):
        return
    assert command in COMMANDS
    if any(name in line for name in ("configs/NAME", "=...", "/flags.txt")):
        return
    if command == "train" and not any(argument.startswith("--flagfile") for argument in arguments):
        flags_of(command).parse(arguments)  # continues a workdir, which has its settings
    elif any(argument.startswith("--model=") for argument in arguments):
        flags_of(command).parse(arguments)
    else:
        open_experiment(["--workdir=W", *arguments], flags_of(command))


def _quoted(page: pathlib.Path) -> list[str]:
    """All that is in single backticks."""
    return re.findall(r"`([^`]+)`", _FENCED.sub("", page.read_text()))


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda p: p.stem)
def test_every_file_that_a_page_names_exists(page):
    files = [f"/{file.relative_to(ROOT)}" for top in _FOLDERS for file in (ROOT / top).rglob("*")]
    files += [f"/{folder}" for folder in _FOLDERS]
    for quoted in _quoted(page):
        if _FILE.fullmatch(quoted):
            assert any(file.endswith("/" + quoted.rstrip("/")) for file in files), quoted


@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != "results"], ids=lambda p: p.stem)
def test_every_flag_that_a_page_names_exists(page):  # results.md has those of benchmarks, too
    flags = {"flagfile", "help", "helpfull"}.union(*(flags_of(name).names for name in COMMANDS))
    for quoted in _quoted(page):
        if quoted.startswith("--"):
            assert set(re.findall(r"--(\w+)", quoted)) <= flags, quoted


@pytest.mark.parametrize(
    ("page", "stub"),
    [
        ("spn_tf", "spn_tf/__init__.pyi"),
        ("wavelet_tf", "wavelet_tf/__init__.pyi"),
        ("transform", "wavelet_tf/transform/__init__.pyi"),
        ("cascade_tf", "cascade_tf/__init__.pyi"),
        ("data", "cascade_tf/data/__init__.pyi"),
        ("metrics", "cascade_tf/metrics/__init__.py"),
    ],
)
def test_an_api_page_shows_every_public_name(page, stub):
    tree = ast.parse((ROOT / stub).read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    public = {alias.asname or alias.name for node in imports for alias in node.names}
    package = str(pathlib.Path(stub).parent).replace("/", ".")
    shown = re.findall(
        rf"^::: {re.escape(package)}\.(?:\w+\.)?(\w+)$", (API / f"{page}.md").read_text(), re.M
    )
    assert sorted(shown) == sorted(public)
