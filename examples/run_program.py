"""Runs programs of `cascade-tf export --format=stablehlo` with jax, numpy and safetensors alone.

    python run_program.py DIRECTORY sample out.npz count=16 seed=7 temperature=0.9
    python run_program.py DIRECTORY log_prob out.npz images=images.npy

A value is a number, numbers with commas, or a .npy file. DIRECTORY alone: names the programs.
"""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Sequence

import jax.export
import numpy as np
import safetensors.numpy

jax.config.update("jax_enable_x64", True)  # some weights are int64
DEFAULTS = {"seed": 0, "temperature": 1.0, "truncation": 1.0}


class Programs:
    """The programs of a directory, by name; a program is compiled when it is first called."""

    def __init__(self, directory: str):
        self._directory = pathlib.Path(directory)
        self.description = json.loads((self._directory / "programs.json").read_text())
        self._weights = safetensors.numpy.load_file(self._directory / "weights.safetensors")

    def __getitem__(self, name: str) -> Callable[..., dict[str, np.ndarray]]:
        """A function of arrays by name, of any number of images; returns arrays by name."""
        facts = self.description["programs"][name]
        named, size = {a["name"]: a for a in facts["arguments"]}, facts["images"]
        each = [n for n, argument in named.items() if argument["each"]]
        weights = jax.device_put([self._weights[n] for n in facts["weights"]])
        program = jax.jit(in_jax(self._directory / f"{name}.stablehlo", facts, weights))

        def run(**values) -> dict[str, np.ndarray]:
            count = values.pop("count", len(values.get("images", [0])))
            defaults = DEFAULTS | {"indices": np.arange(count)}
            values = {n: v for n, v in defaults.items() if n in named} | values
            if values.keys() != named.keys():
                raise ValueError(f"{name} takes {[*named]}, not {[*values]}")
            arrays = {n: self._checked(values[n], **argument) for n, argument in named.items()}
            counts, parts = {n: len(arrays[n]) for n in each}, []
            if len({*counts.values()}) > 1 or not (count := counts[each[0]]):
                raise ValueError(f"give the same number of each, at least one: {counts}")
            for start in range(0, count, size):
                rows = np.minimum(np.arange(start, start + size), count - 1)  # repeats the last
                batch = [v[rows] if n in each else v for n, v in arrays.items()]
                parts.append(map(np.asarray, program(*batch, *weights)))
            whole = zip(facts["results"], *parts, strict=True)
            return {r["name"]: np.concatenate(results)[:count] for r, *results in whole}

        return run

    def _checked(self, value: object, name: str, shape: list, dtype: str, each: bool) -> np.ndarray:
        """The value in the program's type, whose range the program does not check."""
        converted = (array := np.array(value, ndmin=each)).astype(dtype)
        if converted.dtype.kind in "iu" and (array.dtype.kind == "f" or (converted != array).any()):
            raise ValueError(f"{name} must be {converted.dtype}")
        if each and converted.shape[1:] != (*shape[1:],):
            raise ValueError(f"{name} must be {['N', *shape[1:]]}, not {[*array.shape]}")
        low, high = self.description["limits"].get(name, [-3e38, 3e38])
        if not ((low <= converted) & (converted <= high)).all():
            raise ValueError(f"{name} must be from {low:g} to {high:g}")
        return converted if each else np.broadcast_to(converted, shape)


def in_jax(path: pathlib.Path, facts: dict, weights: Sequence) -> Callable:
    """A portable program as a function that jax.jit takes, of its arguments and then weights."""

    def of_same_types(*_) -> tuple:  # lends its signature to the program
        return tuple(jax.numpy.zeros(r["shape"], r["dtype"]) for r in facts["results"])

    types = [jax.ShapeDtypeStruct(a["shape"], a["dtype"]) for a in facts["arguments"]]
    exported = jax.export.export(jax.jit(of_same_types, keep_unused=True))(*types, *weights)
    return dataclasses.replace(exported, mlir_module_serialized=path.read_bytes()).call


def main(directory: str, name: str = "", output: str = "", *settings: str) -> None:
    programs, values = Programs(directory), {}
    if not name:
        facts = programs.description["programs"].items()
        return print(*(f"{n}: {[a['name'] for a in f['arguments']]}" for n, f in facts), sep="\n")
    for key, _, text in (setting.partition("=") for setting in settings):
        is_file = text.endswith(".npy")
        values[key] = np.load(text) if is_file else np.squeeze(json.loads(f"[{text}]"))
    results = programs[name](**values)
    np.savez(output, **results)
    print(f"{output}:", *(f"{key} {list(array.shape)}" for key, array in results.items()))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (KeyError, OSError, TypeError, ValueError) as error:
        sys.exit(f"run_program: {error}\n{__doc__}")
