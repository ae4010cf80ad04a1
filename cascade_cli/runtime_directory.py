"""Writes the directory of a model as files of ONNX or LiteRT: those that their runtime confirms."""

from collections.abc import Sequence

import tensorflow as tf
from etils import epath

from cascade_cli.options import ExportOptions
from cascade_cli.quiet_tensorflow import silent_stderr
from cascade_cli.systems.system import System
from cascade_tf.errors import UserError
from cascade_tf.experiment import Experiment
from cascade_tf.extras import require_packages
from cascade_tf.files import make_directory, written_beside
from cascade_tf.runtime_models import FORMATS, Format, RefusedModel, model


def write_runtime_directory(
    experiment: Experiment, system: System, options: ExportOptions, output: epath.Path
) -> None:
    """Writes the functions of a model that do not sample, each compared by the format's runtime.

    The directory is written beside `output` and renamed, so that it is never incomplete.

    Args:
        experiment: trained.
        system: of the experiment.
        options: of the command; the format is one of FORMATS.
        output: a directory that does not exist, or is empty.

    Raises:
        UserError: a package of the format is missing, none of the functions can be written, or the
            directory cannot.
    """
    form = FORMATS[options.format]
    require_packages(f"`format`={options.format}", form.packages, options.format)
    batch = experiment.inference_batch_size(*experiment.stage_names)
    endpoints = system.endpoints(experiment.load_stages(), options, batch)
    make_directory(output.parent)
    rows: list[str] = []
    with written_beside(output) as directory:
        for name, endpoint in endpoints.items():
            _, specs = endpoint
            if any(spec.name == "seed" for spec in specs):
                print(f"{name}: left out, since it samples; --format=stablehlo has it")
                continue
            try:
                with silent_stderr():
                    content, difference = model(form, endpoint)
            except RefusedModel as refused:
                print(f"{name}: left out, since {form.name} does not run it: {refused}")
                continue
            (directory / f"{name}{form.extension}").write_bytes(content)
            arguments = ", ".join(f"{s.name} {s.dtype.name} {s.shape.as_list()}" for s in specs)
            if not rows:
                use = _use(form, name, specs)
            rows.append(f"| `{name}{form.extension}` | {arguments} | {difference} |")
            print(f"{name}: {form.name} on random arguments: {difference}")
        if not rows:
            raise UserError(
                f"{form.name} runs no function of this model ({experiment.described}): try "
                f"another `format`"
            )
        page = _PAGE.format(
            title=output.name,
            name=form.name,
            packages=form.packages[-1].replace("_", "-"),
            rows="\n".join(rows),
            use=use,
        )
        (directory / "README.md").write_text(page)
    print(f"{len(rows)} of {len(endpoints)} functions, of {batch} images: {output}")


def _use(form: Format, name: str, specs: Sequence[tf.TensorSpec]) -> str:
    """Python that runs a file with arguments of zeros."""
    zeros = (f'"{s.name}": np.zeros({s.shape.as_list()}, np.{s.dtype.name})' for s in specs)
    text = form.use.replace("PATH", f"{name}{form.extension}")
    return text.replace("ARGUMENTS", f"{{{', '.join(zeros)}}}")


_PAGE = """\
# {title}

Functions of a model for {name}, written by `cascade-tf export`. Each was run by {name} on random
arguments before it was written, and compared with TensorFlow.

| file | arguments | difference |
|---|---|---|
{rows}

Images are uint8 on the 8-bit scale, and their number is fixed. Put yours in place of the zeros:

    pip install {packages} numpy

```python
import numpy as np
{use}
```
"""
