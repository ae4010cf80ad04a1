"""Trains with the step that `cascade-tf lower` wrote, by jax, numpy and safetensors alone.

    cascade-tf lower --flagfile=configs/celeba.flags --stage=spn --output_dir=STEP
    python STEP/train_lowered.py STEP --more_steps=1000
    cascade-tf train --flagfile=configs/celeba.flags --stage=spn --lowered_state=STEP/state.npz

The second command can run on another machine. It trains on the examples that came with the step,
and keeps them and the state on the device. STEP/state.npz is the state; where it exists, the
training goes on from it. The first pass over the examples is in the order of the training by
`cascade-tf train`, each later one in a random order.
"""

import argparse
import functools
import json
import os
import pathlib
import time
from collections.abc import Callable

import jax
import numpy as np
import safetensors.numpy
from run_program import in_jax

A = jax.Array
jax.config.update("jax_enable_x64", True)  # counts of steps are int64


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains with a lowered step.")
    parser.add_argument("directory", type=pathlib.Path, help="that `cascade-tf lower` wrote")
    more = {"type": positive, "metavar": "N"}
    parser.add_argument("--more_steps", **more, help="to run now; by default all that are left")
    parser.add_argument("--log_every", **more, default=50, help="steps between lines")
    parser.add_argument("--save_every", **more, default=1000, help="steps between saves")
    options = parser.parse_args()
    description = json.loads((options.directory / "programs.json").read_text())
    weights = safetensors.numpy.load_file(options.directory / "weights.safetensors")
    saved = options.directory / "state.npz"
    if saved.exists():
        weights |= np.load(saved)
    device = jax.devices()[0]
    with np.load(options.directory / "examples.npz") as archive:
        images, labels = jax.device_put((archive["images"], archive["labels"]), device)
    state = {name: weights[name] for name in description["state"]}
    others = {name: weights[name] for name in weights.keys() - state.keys() - {"settings"}}
    state, others = jax.device_put((state, others), device)
    step = one_step(options.directory, description, state | others)

    size, steps = description["programs"]["train_step"]["images"], description["steps"]
    first, done = description["start"] * size, int(state["step"])
    last = steps if options.more_steps is None else min(steps, done + options.more_steps)
    print(f"step {done} of {steps} on {device}: compiles, then trains to step {last}", flush=True)
    start = since = done
    began = time.monotonic()
    while done < last:
        indices = np.arange(done * size, (done + 1) * size)
        rows = np.array([row(index - first, len(images)) for index in indices])
        metrics, state = step(state, others, images, labels, rows, indices)
        done += 1
        if done == start + 1:  # compiled, and run
            jax.block_until_ready(state)
            began, since = time.monotonic(), done
        if done % options.log_every == 0 or done == last:
            figures = " ".join(f"{name}={float(value):.6g}" for name, value in metrics.items())
            if done > since:
                figures += f"; {(done - since) * size / (time.monotonic() - began):.1f} images/s"
            print(f"step {done}: {figures}", flush=True)
            began, since = time.monotonic(), done
        if done % options.save_every == 0 or done == last:
            save(saved, state, description["settings"])
    print(f"the state of step {done}: {saved if saved.exists() else 'as it was lowered'}")


def positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def one_step(directory: pathlib.Path, description: dict, weights: dict) -> Callable:
    """A function of state, other weights, all examples, and rows and indices of some of them."""
    facts = description["programs"]["train_step"]
    metrics, updates = [r["name"] for r in facts["results"]], facts["updates"]
    types = [{"shape": weights[n].shape, "dtype": weights[n].dtype} for n in updates]
    arguments = [weights[n] for n in facts["weights"]]
    all_results = facts | {"results": facts["results"] + types}
    program = in_jax(directory / "train_step.stablehlo", all_results, arguments)

    def step(state: dict, others: dict, images: A, labels: A, rows: A, indices: A) -> tuple:
        share = state["step"] / description["steps"]  # of the training, for its learning rate
        values = state | others | dict.fromkeys(description["used"], share)
        of_program = [values[n] for n in facts["weights"]]
        results = program(images[rows], labels[rows], indices, *of_program)
        changed = dict(zip(updates, results[len(metrics) :], strict=True))
        return dict(zip(metrics, results, strict=False)), state | changed

    return jax.jit(step, donate_argnums=0)


def row(number: int, count: int) -> int:
    """The row of the next example but `number`, of `count` rows."""
    epoch, position = divmod(number, count)
    return order(epoch, count)[position] if epoch else position


@functools.lru_cache(maxsize=2)
def order(epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng(epoch).permutation(count)


def save(path: pathlib.Path, state: dict, settings: dict) -> None:
    """Writes the state beside `path` and renames it, so that a kill leaves the one before."""
    aside = path.with_suffix(".tmp.npz")
    arrays = {name: np.asarray(value) for name, value in state.items()}
    np.savez(aside, settings=json.dumps(settings), **arrays)
    os.replace(aside, path)


if __name__ == "__main__":
    main()
