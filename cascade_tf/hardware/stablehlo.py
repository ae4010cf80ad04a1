"""Programs of XLA as StableHLO, the dialect that other compilers and later versions read.

Like `compiler.py`, it uses private modules of jax, since no public one converts a program of
another origin.
"""

from typing import Any, NamedTuple

from jax._src.interpreters import mlir
from jax._src.lib import xla_client
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

_ALIASES = "mhlo.input_output_alias"


class Portable(NamedTuple):
    """A portable program.

    Attributes:
        artifact: bytes of StableHLO's portable format, for consumers of the last 12 weeks on.
        updates: arguments that are variables, by the result that is their new value.
    """

    artifact: bytes
    updates: dict[int, int]


def portable(program: bytes) -> Portable:
    """A program, a serialized HloModuleProto, in StableHLO's portable format."""
    module = as_stablehlo(xla_client.XlaComputation(program))
    with module.context:
        aliases = module.operation.attributes[_ALIASES]
        updates = {
            ir.DenseI64ArrayAttr(alias["output_index"])[0]: _parameter(alias["alias"])
            for alias in map(ir.DictAttr, ir.ArrayAttr(aliases))
        }
        # Paths of this machine's files.
        PassManager.parse("builtin.module(strip-debuginfo)").run(module.operation)
        module.operation.walk(_without_hints)
        version = stablehlo.get_version_from_compatibility_requirement(
            stablehlo.StablehloCompatibilityRequirement.WEEK_12
        )
        return Portable(stablehlo.serialize_portable_artifact(module, version), updates)


def as_stablehlo(computation: Any) -> ir.Module:
    """A program in the dialect that jaxlib's clients compile."""
    text = xla_client._xla.mlir.xla_computation_to_mlir_module(computation)
    with mlir.make_ir_context() as context:
        module = ir.Module.parse(text, context)
        copies: list[Any] = []

        def collect(operation: Any) -> ir.WalkResult:
            if operation.name == "mhlo.copy":
                copies.append(operation)
            return ir.WalkResult.ADVANCE

        module.operation.walk(collect)
        for copy in copies:  # they have no counterpart in StableHLO, and no effect
            copy.results[0].replace_all_uses_with(copy.operands[0])
            copy.erase()
    return module


def _parameter(alias: Any) -> int:
    return ir.IntegerAttr(ir.DictAttr(alias)["parameter_number"]).value


def _without_hints(operation: Any) -> ir.WalkResult:
    """Removes attributes of XLA alone, which change no result."""
    for name in [a.name if hasattr(a, "name") else a for a in operation.attributes]:
        if name.startswith("mhlo."):
            del operation.attributes[name]
    return ir.WalkResult.ADVANCE
