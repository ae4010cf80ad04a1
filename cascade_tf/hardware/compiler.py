"""Compiles a program of XLA for a target, in a process of its own, and prints figures as JSON.

    python -m cascade_tf.hardware.compiler PROGRAM TARGET

PROGRAM is a file of `lowering.lowered`; `compilation.compile_for` runs this. jaxlib has the
compile-only clients of libtpu and of its CUDA plugin, but no public function that compiles a
program of another origin. So this file and `stablehlo.py` import private modules of jax.
"""

import json
import pathlib
import re
import sys
import time
from typing import Any

import jax
import numpy as np
from jax._src.lib import xla_client
from jax.experimental import topologies

from cascade_tf.hardware.stablehlo import as_stablehlo
from cascade_tf.hardware.targets import TARGETS, Target

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def compiled(program: bytes, target: Target) -> dict[str, Any]:
    """Figures of the compiled program: see `compilation.Compiled`."""
    computation = xla_client.XlaComputation(program)
    arguments = sum(_bytes_of(s) for s in computation.program_shape().parameter_shapes())
    module = as_stablehlo(computation)
    if target.platform == "TPU":
        topology = topologies.get_topology_desc(target.topology, platform="tpu")
    else:
        topology = topologies.get_topology_desc(
            "x", platform="cuda", topology="1x1x1", target_config=target.topology
        )
    device: Any = topology.devices[0]
    options = xla_client.CompileOptions()
    options.device_assignment = xla_client.DeviceAssignment.create(np.array([[device.id]]))
    began = time.monotonic()
    try:
        executable = device.client.compile(module, xla_client.DeviceList((device,)), options)
    except jax.errors.JaxRuntimeError as error:
        needed = re.search(r"\((\d+(?:\.\d+)?)([KMGT])\) exceeds", str(error))
        if not str(error).startswith("RESOURCE_EXHAUSTED") or needed is None:
            raise
        temporaries = float(needed[1]) * _UNITS[needed[2]]
        return {"fits": False, "arguments": arguments, "temporaries": temporaries}
    seconds = time.monotonic() - began
    memory = executable.get_compiled_memory_stats()
    (optimized,) = executable.hlo_modules()
    text = optimized.to_string()
    if target.platform == "TPU":
        costs = executable.cost_analysis()
    else:
        costs = _analysis(optimized)
        # Most products are calls of libraries there, which only the program before says in full.
        costs["flops"] = _analysis(computation.get_hlo_module())["flops"]
    return {
        "fits": True,
        "arguments": memory.argument_size_in_bytes,
        "results": memory.output_size_in_bytes - memory.alias_size_in_bytes,
        "temporaries": memory.temp_size_in_bytes,
        "program": memory.generated_code_size_in_bytes,
        "seconds": seconds,
        # Kernels and libraries count as nothing, or as their operands alone.
        "bytes": costs["bytes accessed"] + _bytes_of_kernels(text),
        "operations": costs["flops"],
        "largest_constant": _largest_constant(text),
    }


def _analysis(module: Any) -> dict[str, float]:
    """Work of a program by XLA's common count."""
    client = jax.local_devices(backend="cpu")[0].client
    return xla_client._xla.hlo_module_cost_analysis(client, module)


_TENSOR = re.compile(r"\b[a-z]+(\d*)\w*\[([\d,]*)\]")
_RESULT = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = (\(.*?\)|\S+) [\w-]+\(", re.MULTILINE)
_KERNEL = re.compile(
    r"%([\w.-]+) = .* custom-call\(([^)]*)\), custom_call_target=\"(?:tpu_custom_call|__cu)"
)
_CONSTANT = re.compile(r" = [a-z]+(\d*)\w*\[([\d,]*)\]\S* constant\(")


def _largest_constant(text: str) -> int:
    """Bytes of the largest constant in the text of a program."""
    return max([0, *(_size(*constant) for constant in _CONSTANT.findall(text))])


def _bytes_of_kernels(text: str) -> int:
    """Bytes of the operands and results of kernels and libraries in the text of a program."""
    shapes = dict(_RESULT.findall(text))
    total = 0
    for name, operands in _KERNEL.findall(text):
        tensors = [shapes[name], *(shapes[n] for n in re.findall(r"%([\w.-]+)", operands))]
        total += sum(_size(*tensor) for shape in tensors for tensor in _TENSOR.findall(shape))
    return total


def _size(bits: str, dimensions: str) -> int:
    """Bytes of a tensor of these bits an element; pred has no number of bits, and 8."""
    count = np.prod([int(n) for n in dimensions.split(",") if n], dtype=np.int64)
    return int(count) * -(-int(bits or 8) // 8)


def _bytes_of(shape: Any) -> int:
    return int(np.prod(shape.dimensions(), dtype=np.int64)) * shape.numpy_dtype().itemsize


if __name__ == "__main__":
    path, name = sys.argv[1:]
    print(json.dumps(compiled(pathlib.Path(path).read_bytes(), TARGETS[name])))
