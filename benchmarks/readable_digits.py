#!/usr/bin/env python3
"""Measures how often a classifier of real digits is confident about samples.

    python benchmarks/readable_digits.py --samples=runs/digits/samples/samples.npz

A small convolutional network is trained on the 4,500 training digits with random distortions. For
three sets of images it prints the share with a class probability of at least 90%: held-out digits,
the samples, and, as a control, images whose quarters come from four different held-out digits.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags
from digit_classifier import DISTORTIONS, digits, trained_classifier

flags.DEFINE_string("samples", "runs/digits/samples/samples.npz", "The samples to classify.")
flags.DEFINE_integer("epochs", 40, "Training epochs of the classifier.")
flags.DEFINE_enum("distortion", "strong", list(DISTORTIONS), "Distortion of the training digits.")
CONFIDENT = 0.9


def _broken(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images whose four quarters come from four different digits."""
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
    print(f"classifier: {accuracy:.3f} of held-out digits correct")
    for name, images in (
        ("held-out digits", held_out),
        ("samples", samples),
        ("broken digits", _broken(held_out, rng)),
    ):
        p = probabilities(images)
        print(f"{name}: confident in {(p.max(axis=1) >= CONFIDENT).mean():.3f}")
    p = probabilities(samples)
    counts = np.bincount(p.argmax(axis=1)[p.max(axis=1) >= CONFIDENT], minlength=10)
    print(f"confident samples by digit, 0 to 9: {counts.tolist()}")


if __name__ == "__main__":
    app.run(main)
