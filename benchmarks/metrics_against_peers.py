#!/usr/bin/env python3
"""Compares the metrics of sets of features with those of other libraries.

    pip install --target /tmp/peers torch==2.13.0 torchvision==0.28.0 \
        torch-fidelity==0.4.0 prdc==0.2 pot==0.9.7.post1
    PYTHONPATH=/tmp/peers python benchmarks/metrics_against_peers.py [--figures_file=FILE.json]

Two sets of features are drawn from seeds, as `peer_sets` says. torch-fidelity computes FID, KID and
the Inception Score's formula of them, prdc precision, recall, density and coverage, and POT the
sliced Wasserstein distance along our directions, from which MIND follows. With --figures_file the
figures of the peers are written; tests/cascade_tf/metrics/peer_figures.json has them.
"""

import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
from absl import app, flags

from cascade_tf.metrics import (
    density_coverage,
    frechet_distance,
    gaussian_statistics,
    inception_score,
    precision_recall,
    sliced_distance,
)
from cascade_tf.metrics.kernel_distance import squared_mmd

flags.DEFINE_string("figures_file", None, "File for the peers' figures.")
FLAGS = flags.FLAGS

DIRECTIONS = 200


def peer_sets(size: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples [700, size], a reference [900, size], and class probabilities of the samples."""
    rng = np.random.default_rng(5)
    mixing = rng.standard_normal([size, size]) / size**0.5
    samples = np.abs(rng.standard_normal([700, size]) @ mixing + 0.3)
    reference = np.abs(rng.standard_normal([900, size]) @ mixing * 1.1 + 0.2)
    logits = 2 * rng.standard_normal([700, 10])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return samples, reference, probabilities


def our_figures() -> dict[str, float]:
    """Our metrics of `peer_sets`; neighbours are 5, as in prdc's papers."""
    samples, reference, probabilities = peer_sets()
    precision, recall = precision_recall(samples, reference, neighbours=5)
    density, coverage = density_coverage(samples, reference)
    equal = reference[: len(samples)]
    return {
        "frechet_distance": frechet_distance(
            gaussian_statistics(samples), gaussian_statistics(reference)
        ),
        "squared_mmd": squared_mmd(samples, equal),
        "sliced_distance": sliced_distance(samples, reference, directions=DIRECTIONS),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "inception_score_of_all": inception_score(probabilities, splits=1)[0],
    }


def peer_figures() -> dict[str, float]:
    """The same figures by torch-fidelity, prdc and POT."""
    import ot
    import torch
    from prdc import compute_prdc
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kernel_mmd

    samples, reference, probabilities = peer_sets()
    statistics = [fid_features_to_statistics(torch.tensor(x)) for x in (samples, reference)]
    fid = fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]
    equal = reference[: len(samples)]
    kid = kernel_mmd(samples, equal, verbose=False)
    size = samples.shape[1]
    lines = np.random.default_rng(0).standard_normal([DIRECTIONS, size])
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    sliced = ot.sliced_wasserstein_distance(samples, reference, projections=lines.T, p=2)
    neighbours = compute_prdc(reference, samples, nearest_k=5)
    logits = torch.tensor(np.log(probabilities))
    score = isc_features_to_metric(logits, splits=1, shuffle=False)["inception_score_mean"]
    return {
        "frechet_distance": float(fid),
        "squared_mmd": float(kid),
        "sliced_distance": 3 * size * float(sliced) ** 2,
        **{name: float(value) for name, value in neighbours.items()},
        "inception_score_of_all": float(score),
    }


def main(_: list[str]) -> None:
    ours, theirs = our_figures(), peer_figures()
    print("| metric | ours | peer | relative difference |\n|---|---|---|---|")
    for name, value in ours.items():
        difference = abs(value / theirs[name] - 1)
        print(f"| {name} | {value:.9g} | {theirs[name]:.9g} | {difference:.1e} |")
    if FLAGS.figures_file:
        pathlib.Path(FLAGS.figures_file).write_text(json.dumps(theirs, indent=1) + "\n")


if __name__ == "__main__":
    app.run(main)
