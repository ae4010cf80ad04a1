#!/usr/bin/env python3
"""Asks a classifier of real digits how sure it is of samples.

    python benchmarks/readable_digits.py --samples=runs/digits/samples/samples.npz

A small convolutional network is trained on the 4,500 training digits. It prints the share of
pictures whose class it gives at least 90%: of held-out digits, of the samples, and, to show
what being sure is worth, of held-out digits whose quarters come from four different ones.
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import keras
import numpy as np
from absl import app, flags

from cascade_tf.data import DataConfig, open_source

flags.DEFINE_string("samples", "runs/digits/samples/samples.npz", "The samples to judge.")
flags.DEFINE_integer("epochs", 12, "Epochs of the classifier.")
SURE = 0.9


def _digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """All images uint8 [N, 32, 32, 1] and labels of a split."""
    source = open_source(DataConfig("digits", None, image_size=32, channels=1), split)
    (batch,) = source.evaluation_examples(source.num_examples)
    return batch.images.numpy(), batch.labels.numpy()


def _broken(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures whose four quarters come from four different digits."""
    parts = [images[rng.permutation(len(images))] for _ in range(4)]
    broken = parts[0].copy()
    broken[:, 16:, :16], broken[:, :16, 16:] = parts[1][:, 16:, :16], parts[2][:, :16, 16:]
    broken[:, 16:, 16:] = parts[3][:, 16:, 16:]
    return broken


def _classifier() -> keras.Model:
    layers = [keras.Input([32, 32, 1]), keras.layers.Rescaling(1 / 255)]
    layers += [keras.layers.RandomTranslation(0.08, 0.08), keras.layers.RandomRotation(0.03)]
    for filters in (16, 32, 64):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
        ]
    layers += [keras.layers.Flatten(), keras.layers.Dropout(0.4), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = _digits("train")
    held_out, held_out_labels = _digits("test")
    samples = np.load(flags.FLAGS.samples, allow_pickle=False)["images"]

    model = _classifier()
    model.fit(images, labels, batch_size=64, epochs=flags.FLAGS.epochs, verbose=0)

    def probabilities(pictures: np.ndarray) -> np.ndarray:
        return keras.ops.convert_to_numpy(keras.ops.softmax(model.predict(pictures, verbose=0)))

    accuracy = (probabilities(held_out).argmax(axis=1) == held_out_labels).mean()
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
