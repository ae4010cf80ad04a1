#!/usr/bin/env python3
"""Asks a classifier of real digits whether samples are of the classes that were wanted.

    bin/sample --workdir=W --classes=0,1,2,3,4,5,6,7,8,9 --num_samples=2000 --output_dir=D
    python benchmarks/digit_classes.py --samples=D/samples.npz

Samples are of the ten classes in turn. It prints the share whose class it names, of real held-out
digits and of samples, and how far the samples of a class spread: the mean distance of two of a
class, in the units before the classifier's last layer, over the same of real digits. Samples that
are all alike would have no spread, however well they are named.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags
from digit_classifier import digits, trained_classifier

flags.DEFINE_string("samples", None, "samples.npz, of classes 0 to 9 in turn.", required=True)
flags.DEFINE_integer("epochs", 20, "Epochs of the classifier.")


def _spread(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Root mean square distance of two different pictures of each class, [10]."""
    return np.array(
        [np.sqrt(2 * features[labels == k].var(axis=0, ddof=1).sum()) for k in range(10)]
    )


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(0)
    classifier = trained_classifier(flags.FLAGS.epochs)
    real, real_labels = digits("test")
    samples = np.load(flags.FLAGS.samples, allow_pickle=False)["images"]
    labels = np.arange(len(samples)) % 10
    found = {}
    for name, images, wanted in (
        ("held-out digits", real, real_labels),
        ("samples", samples, labels),
    ):
        right = classifier.probabilities(images).argmax(axis=1) == wanted
        found[name] = _spread(classifier.features(images), wanted)
        by_class = " ".join(f"{right[wanted == k].mean():.2f}" for k in range(10))
        print(f"{name}: {right.mean():.3f} of {len(images):,} named right; by class {by_class}")
    ratio = found["samples"] / found["held-out digits"]
    by_class = " ".join(f"{x:.2f}" for x in ratio)
    print(f"spread within classes, over that of digits: {ratio.mean():.2f}; by class {by_class}")


if __name__ == "__main__":
    app.run(main)
