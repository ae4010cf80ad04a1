#!/usr/bin/env python3
"""Asks a classifier of real digits how sure it is of samples.

    python benchmarks/readable_digits.py --samples=runs/digits/samples/samples.npz

A small convolutional network is trained on the 4,500 training digits, distorted at random. It
prints the share of pictures whose class it gives at least 90%: of held-out digits, of the samples,
and, to show what being sure is worth, of held-out digits whose quarters come from four different
ones.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags
from digit_classifier import DISTORTIONS, digits, trained_classifier

flags.DEFINE_string("samples", "runs/digits/samples/samples.npz", "The samples to judge.")
flags.DEFINE_integer("epochs", 40, "Epochs of the classifier.")
flags.DEFINE_enum("distortion", "strong", list(DISTORTIONS), "Of the digits that it is shown.")
SURE = 0.9


def _broken(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures whose four quarters come from four different digits."""
    parts = [images[rng.permutation(len(images))] for _ in range(4)]
    broken = parts[0].copy()
    broken[:, 16:, :16], broken[:, :16, 16:] = parts[1][:, 16:, :16], parts[2][:, :16, 16:]
    broken[:, 16:, 16:] = parts[3][:, 16:, 16:]
    return broken


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    held_out, labels = digits("test")
    samples = np.load(flags.FLAGS.samples, allow_pickle=False)["images"]

    classifier = trained_classifier(flags.FLAGS.epochs, flags.FLAGS.distortion)
    probabilities = classifier.probabilities
    accuracy = (probabilities(held_out).argmax(axis=1) == labels).mean()
    print(f"classifier: {accuracy:.3f} of held-out digits right")
    for name, pictures in (
        ("held-out digits", held_out),
        ("samples", samples),
        ("broken digits", _broken(held_out, rng)),
    ):
        p = probabilities(pictures)
        print(f"{name}: sure of in {(p.max(axis=1) >= SURE).mean():.3f}")
    p = probabilities(samples)
    counts = np.bincount(p.argmax(axis=1)[p.max(axis=1) >= SURE], minlength=10)
    print(f"digits that it was sure of in the samples, 0 to 9: {counts.tolist()}")


if __name__ == "__main__":
    app.run(main)
