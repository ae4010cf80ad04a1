"""Writes the directory of a model as programs of StableHLO: programs, weights, runner and page."""

import importlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from etils import epath

from cascade_cli.options import ExportOptions
from cascade_cli.quiet_tensorflow import silent_stderr
from cascade_cli.systems.system import System
from cascade_tf.choices import LARGEST_TRUNCATION
from cascade_tf.experiment import Experiment
from cascade_tf.extras import require_packages
from cascade_tf.files import make_directory, written_beside
from cascade_tf.portable_programs import PROGRAMS, WEIGHTS, weights_of, write_programs

RUNNER = "run_program.py"


def write_program_directory(
    experiment: Experiment, system: System, options: ExportOptions, output: epath.Path
) -> None:
    """Writes programs of a fixed number of images, which jax and other compilers run.

    The directory is written beside `output` and renamed, so that it is never incomplete.

    Args:
        experiment: trained.
        system: of the experiment.
        options: of the command.
        output: a directory that does not exist, or is empty.

    Raises:
        UserError: jax is not installed, or the directory cannot be written.
    """
    require_jax("`format`=stablehlo")
    stages = experiment.load_stages()
    batch = experiment.inference_batch_size(*experiment.stage_names)
    limits = {
        "classes": [0, max(stage.num_classes for stage in stages) - 1],
        "temperature": [0.0, float(np.finfo(np.float32).max)],
        "truncation": [0.0, LARGEST_TRUNCATION],
        **system.limits,
    }
    endpoints = system.endpoints(stages, options, batch)
    make_directory(output.parent)
    with written_beside(output) as directory:
        programs = write_programs(directory, endpoints, weights_of(stages), {"limits": limits})
        (directory / RUNNER).write_text(example(RUNNER))
        (directory / "README.md").write_text(_page(output.name, programs))
    print(f"programs {', '.join(endpoints)} of {batch} images, and {RUNNER}: {output}")


def require_jax(purpose: str) -> None:
    """Imports jax, silently; raises UserError, with the command that installs it, without it."""
    require_packages(purpose, ["jax"], "stablehlo")
    with silent_stderr():
        importlib.import_module("jax")


def example(name: str) -> str:
    """The text of a file of examples/."""
    package = pathlib.Path(__file__).parent  # in a checkout, examples/ lies beside it
    folder = package / "examples"
    return ((folder if folder.exists() else package.parent / "examples") / name).read_text()


_PAGE = """\
# {title}

A model as programs of [StableHLO](https://openxla.org/stablehlo), written by `cascade-tf export`.
They need no TensorFlow:

    pip install jax numpy safetensors
{commands}

and from Python, in this folder:

```python
from run_program import Programs

programs = Programs(".")
{name} = programs["{name}"]  # compiled at its first call
results = {name}({values})
```

| program | arguments | results |
|---|---|---|
{rows}

- A program takes {batch} images at once. The runner divides any number of images, and checks what
  the programs do not: types, shapes and ranges.
- Images are uint8 on the 8-bit scale, in files of `numpy.save`. The sample of an index and a seed
  is always the same, up to rounding. `count=16` stands for the indices 0 to 15; with images it is
  their number by default.
- `{PROGRAMS}` lists the arguments of each program. Those in the table come first, and then weights
  of `{WEIGHTS}` by name, so that any compiler of StableHLO can run it.
"""


def _page(title: str, programs: Mapping[str, Any]) -> str:
    """Markdown that says how to call the programs."""
    values = {
        name: " ".join(filter(None, (_on_command_line(a, facts) for a in facts["arguments"])))
        for name, facts in programs.items()
    }
    commands = [f"    python {RUNNER} . {name} {name}.npz {text}" for name, text in values.items()]
    rows = [
        f"| `{name}` | {_tensors(facts['arguments'])} | {_tensors(facts['results'])} |"
        for name, facts in programs.items()
    ]
    name, facts = next(iter(programs.items()))
    return _PAGE.format(
        title=title,
        commands="\n".join(commands),
        rows="\n".join(rows),
        name=name,
        values=", ".join(f"{a['name']}=..." for a in facts["arguments"]),
        batch=facts["images"],
        PROGRAMS=PROGRAMS,
        WEIGHTS=WEIGHTS,
    )


def _tensors(tensors: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{t['name']} {t['dtype']} {t['shape']}" for t in tensors)


def _on_command_line(argument: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    name, has_images = argument["name"], any(a["name"] == "images" for a in facts["arguments"])
    numbers = {"indices": "" if has_images else "count=16", "seed": "seed=0"}
    if name == "images":
        height, width = argument["shape"][1:3]
        return f"images={height}x{width}.npy"
    if name in ("temperature", "truncation"):
        return f"{name}=1.0"
    return numbers.get(name, f"{name}={name}.npy")
