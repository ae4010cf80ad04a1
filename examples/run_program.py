"""Runs programs of `cascade-tf export --format=stablehlo` with jax, numpy and safetensors alone.

    python run_program.py DIRECTORY                                  names programs and arguments
    python run_program.py DIRECTORY sample out.npz count=16 seed=7 temperature=0.9
    python run_program.py DIRECTORY log_prob out.npz images=images.npy

A value is a number, several with commas between them, or a .npy file. count=16: indices 0 to 15.
"""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Sequence

import jax
import jax.export
import numpy as np
import safetensors.numpy

jax.config.update("jax_enable_x64", True)  # some weights are int64


class Programs:
    """The programs of a directory, by name."""

    def __init__(self, directory: str):
        self._directory = pathlib.Path(directory)
        self.description = json.loads((self._directory / "programs.json").read_text())
        self._weights = safetensors.numpy.load_file(self._directory / "weights.safetensors")

    def __getitem__(self, name: str) -> Callable[..., dict[str, np.ndarray]]:
        """A function of arrays by name, of any number of images; returns arrays by name."""
        facts = self.description["programs"][name]
        arguments, size = facts["arguments"], facts["images"]
        each = [a["name"] for a in arguments if a["of_each_image"]]
        weights = jax.device_put([self._weights[n] for n in facts["weights"]])
        artifact = (self._directory / f"{name}.stablehlo").read_bytes()
        program = jax.jit(in_jax(artifact, arguments, weights, facts["results"]))

        def run(**values) -> dict[str, np.ndarray]:
            arrays = {a["name"]: self._checked(values[a["name"]], a) for a in arguments}
            counts, parts = {n: len(arrays[n]) for n in each}, []
            if len({*counts.values()}) > 1 or not (count := counts[each[0]]):
                raise ValueError(f"give the same number of each, at least one: {counts}")
            for start in range(0, count, size):
                rows = np.minimum(np.arange(start, start + size), count - 1)  # repeats the last
                batch = [v[rows] if n in each else v for n, v in arrays.items()]
                parts.append(map(np.asarray, program(*batch, *weights)))
            whole = [np.concatenate(results)[:count] for results in zip(*parts, strict=True)]
            return {r["name"]: array for r, array in zip(facts["results"], whole, strict=True)}

        return run

    def _checked(self, value: np.ndarray | float, argument: dict) -> np.ndarray:
        """The value in the program's type, whose range the program does not check."""
        name, shape = argument["name"], argument["shape"]
        array = np.array(value, ndmin=argument["of_each_image"])
        converted = array.astype(argument["dtype"])
        if converted.dtype.kind in "iu" and (array.dtype.kind == "f" or (converted != array).any()):
            raise ValueError(f"{name} must be {converted.dtype}")
        if not argument["of_each_image"]:
            converted = np.broadcast_to(converted, shape)
        elif converted.ndim != len(shape) or converted.shape[1:] != (*shape[1:],):
            raise ValueError(f"{name} must be {['N', *shape[1:]]}, not {[*array.shape]}")
        low, high = self.description["limits"].get(name, [-np.inf, np.inf])
        if not ((low <= converted) & (converted <= high)).all():
            raise ValueError(f"{name} must be from {low} to {high}")
        return converted


def in_jax(artifact: bytes, arguments: Sequence, weights: Sequence, results: Sequence) -> Callable:
    """A portable program as a function that jax.jit takes, of its arguments and then weights."""

    def of_same_types(*_) -> tuple:  # lends its signature to the program
        return tuple(jax.numpy.zeros(r["shape"], r["dtype"]) for r in results)

    types = [jax.ShapeDtypeStruct(a["shape"], a["dtype"]) for a in arguments]
    exported = jax.export.export(jax.jit(of_same_types, keep_unused=True))(*types, *weights)
    return dataclasses.replace(exported, mlir_module_serialized=artifact).call


def main(directory: str, name: str = "", output: str = "", *settings: str) -> None:
    programs = Programs(directory)
    if not output:
        for name, facts in programs.description["programs"].items():
            print(name, *(f"{a['name']}={a['dtype']}{a['shape']}" for a in facts["arguments"]))
        return
    values = {"seed": 0, "temperature": 1.0, "truncation": 1.0}
    for key, _, text in (setting.partition("=") for setting in settings):
        is_file = text.endswith(".npy")
        values[key] = np.load(text) if is_file else np.squeeze(json.loads(f"[{text}]"))
    if "count" in values:
        values["indices"] = np.arange(values.pop("count"))
    np.savez(output, **programs[name](**values))


if __name__ == "__main__":
    main(*sys.argv[1:])
