"""Compilation of functions for a target, one process each, and the search for the largest batch."""

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from cascade_tf.errors import UserError
from cascade_tf.extras import require_packages
from cascade_tf.hardware.targets import TARGETS

if TYPE_CHECKING:
    from cascade_tf.hardware.lowering import Lowered

_PACKAGES = {
    "TPU": ("jax", "jaxlib", "libtpu"),
    "GPU": ("jax", "jaxlib", "jax_plugins.xla_cuda12", "nvidia.cuda_nvcc"),
}
# No metadata server is asked, no accelerator is used or locked, and libtpu writes no files of logs.
ENVIRONMENT = {
    "TPU_SKIP_MDS_QUERY": "1",
    "JAX_PLATFORMS": "cpu",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_LOG_DIR": "disabled",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

MOST = 4096  # images of the largest batch that the search tries


@dataclasses.dataclass(frozen=True)
class Compiled:
    """Figures of a compiled program; bytes, unless they say otherwise.

    Attributes:
        fits: whether the device has the memory. If a TPU has not, its compiler tells the
            temporaries alone.
        arguments: weights, optimizer, averages and the batch. New values of variables take the
            places of the old ones.
        results: other results.
        temporaries: activations, gradients and the rest.
        program: instructions.
        seconds: that the compiler took.
        bytes: read and written by an execution.
        operations: of arithmetic.
        largest_constant: in the program.
    """

    fits: bool
    arguments: float
    temporaries: float
    results: float = 0.0
    program: float = 0.0
    seconds: float = 0.0
    bytes: float = 0.0
    operations: float = 0.0
    largest_constant: int = 0

    @property
    def memory(self) -> float:
        """Bytes in all."""
        return self.arguments + self.results + self.temporaries + self.program


def require_compiler(target: str) -> None:
    """Raises UserError, with the command that installs it, if a target's compiler is missing."""
    require_packages(f"`target`={target}", _PACKAGES[TARGETS[target].platform], "compile")


def compile_for(target: str, program: "Lowered") -> Compiled:
    """Compiles a program of `lowering.lowered`, in a process of its own.

    Args:
        target: one of TARGETS.
        program: the function.

    Raises:
        UserError: the compiler failed for another reason than memory.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {n: v for n, v in os.environ.items() if n != "XLA_FLAGS"}  # of this machine
    environment |= ENVIRONMENT | {"PYTHONPATH": paths}
    if TARGETS[target].platform == "GPU":  # the assembler of the package, not of an older CUDA
        (root,) = importlib.import_module("nvidia.cuda_nvcc").__path__
        environment["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={root}"
        environment["PATH"] = os.pathsep.join([f"{root}/bin", environment.get("PATH", "")])
    with tempfile.NamedTemporaryFile(suffix=".hlo") as file:
        file.write(program.program)
        file.flush()
        worker = [sys.executable, "-m", "cascade_tf.hardware.compiler", file.name, target]
        done = subprocess.run(
            worker, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [
            f"it ended with code {done.returncode}"
        ]
        errors = [line for line in lines if "Error: " in line]
        raise UserError(f"the compiler of {target} failed: {(errors or lines)[-1]}")
    figures = Compiled(**json.loads(done.stdout.splitlines()[-1]))
    fits = figures.fits and figures.memory <= TARGETS[target].memory
    return dataclasses.replace(
        figures, fits=fits, operations=figures.operations + program.operations
    )


def largest_batch(
    compiled: Callable[[int], Compiled], batch: int, first: Compiled, memory: float
) -> int:
    """The largest batch that fits, found by compiling, up to MOST; 0 if a single image does not.

    The search is by halves between a batch that fits and one that does not, beginning where a
    straight line through the figures so far predicts the limit. It ends when the two are next to
    each other, or from 16 on within a sixteenth.

    Args:
        compiled: compiles the function for a batch.
        batch, first: a batch, and its figures.
        memory: bytes of the device.

    >>> def compiled(batch):
    ...     needed = 2.0 + batch
    ...     return Compiled(fits=needed <= 9, arguments=2, temporaries=float(batch))
    >>> largest_batch(compiled, 2, compiled(2), memory=9)
    7
    >>> tiny = Compiled(fits=True, arguments=2, temporaries=1)
    >>> largest_batch(lambda batch: tiny, 2, tiny, memory=9) == MOST
    True
    """
    known = {batch: first}
    fitting, failing = (batch, None) if first.fits else (0, batch)
    while fitting < MOST and (failing is None or failing - fitting > max(1, fitting // 16)):
        guess = _predicted(known, memory)
        if failing is None:
            guess = min(max(guess, fitting + 1), 8 * fitting, MOST)
        else:
            guess = min(max(guess, fitting + 1), failing - 1)
            if guess in known or len(known) > 3:
                guess = (fitting + failing) // 2
        known[guess] = compiled(guess)
        if known[guess].fits:
            fitting = guess
        else:
            failing = guess
    return fitting


def _predicted(known: dict[int, Compiled], memory: float) -> int:
    """The batch at which the memory ends, if it grows as between two known batches."""
    points = sorted(
        (batch, figures.arguments + figures.temporaries) for batch, figures in known.items()
    )
    if len(points) == 1:
        (batch, needed), fixed = points[0], next(iter(known.values())).arguments
        return int(batch * (memory - fixed) / max(needed - fixed, 1.0))
    (a, of_a), (b, of_b) = points[-2:]
    slope = max((of_b - of_a) / (b - a), 1.0)
    return int(b + (memory - of_b) / slope)
