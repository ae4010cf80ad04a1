#!/usr/bin/env python3
"""Measures with a classifier of real digits how well samples match their requested classes.

    bin/sample --workdir=W --classes=0,1,2,3,4,5,6,7,8,9 --num_samples=2000 --output_dir=D
    python benchmarks/digit_classes.py --samples=D/samples.npz

Samples cycle through the ten classes. It prints the classifier's accuracy on held-out digits and
on samples, and the spread within classes: the root mean square distance between two samples of a
class, in the features before the classifier's last layer, relative to that of real digits. The
spread is needed because identical samples could reach full accuracy.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags
from digit_classifier import digits, trained_classifier

flags.DEFINE_string("samples", None, "samples.npz, cycling through classes 0 to 9.", required=True)
flags.DEFINE_integer("epochs", 20, "Training epochs of the classifier.")


def _spread(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Root mean square distance between two different images of each class, [10]."""
    return np.array(
        [np.sqrt(2 * features[labels == k].var(axis=0, ddof=1).sum()) for k in range(10)]
    )


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(0)
    classifier = trained_classifier(flags.FLAGS.epochs)
    real, real_labels = digits("test")
    samples = np.load(flags.FLAGS.samples, allow_pickle=False)["images"]
    labels = np.arange(len(samples)) % 10
    spreads = {}
    for name, images, classes in (
        ("held-out digits", real, real_labels),
        ("samples", samples, labels),
    ):
        correct = classifier.probabilities(images).argmax(axis=1) == classes
        spreads[name] = _spread(classifier.features(images), classes)
        by_class = " ".join(f"{correct[classes == k].mean():.2f}" for k in range(10))
        print(f"{name}: {correct.mean():.3f} of {len(images):,} correct; by class {by_class}")
    ratio = spreads["samples"] / spreads["held-out digits"]
    by_class = " ".join(f"{x:.2f}" for x in ratio)
    print(f"spread within classes / that of digits: {ratio.mean():.2f}; by class {by_class}")


if __name__ == "__main__":
    app.run(main)
