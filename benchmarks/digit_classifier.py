"""A small convolutional classifier of digits, trained only on the real training digits."""

import keras
import numpy as np

from cascade_tf.data import DataConfig, open_source


def _slight() -> list[keras.Layer]:
    return [
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
        keras.layers.RandomRotation(0.03, fill_mode="constant"),
        keras.layers.RandomZoom(0.1, fill_mode="constant"),
    ]


def _strong() -> list[keras.Layer]:
    return [
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
        keras.layers.RandomRotation(0.05, fill_mode="constant"),
        keras.layers.RandomZoom(0.15, 0.15, fill_mode="constant"),
        keras.layers.RandomShear(0.15, 0.15, fill_mode="constant"),
    ]


DISTORTIONS = {"slight": _slight, "strong": _strong}


class Classifier:
    """A trained network for images uint8 [N, 32, 32, 1]."""

    def __init__(self, model: keras.Sequential):
        self._model = model
        self._features = keras.Model(model.inputs, model.layers[-2].output)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Probabilities of the ten classes, float32 [N, 10]."""
        logits = self._model.predict(images, verbose=0)
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits))

    def features(self, images: np.ndarray) -> np.ndarray:
        """Input of the last layer, float32 [N, D]."""
        return self._features.predict(images, verbose=0)


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns all images, uint8 [N, 32, 32, 1], and labels, [N], of a split."""
    source = open_source(DataConfig("digits", None, image_size=32, channels=1), split)
    (batch,) = source.evaluation_examples(source.num_examples)
    return batch.images.numpy(), batch.labels.numpy()


def trained_classifier(epochs: int, distortion: str = "slight") -> Classifier:
    """Trains a classifier on the 4,500 training digits with random distortions.

    Args:
        epochs: passes over the training digits.
        distortion: a key of `DISTORTIONS`.
    """
    layers: list[keras.Layer] = [keras.Input([32, 32, 1]), keras.layers.Rescaling(1 / 255)]
    layers += DISTORTIONS[distortion]()
    for filters in (16, 32, 64):
        for _ in range(2):
            layers += [
                keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
                keras.layers.BatchNormalization(),
                keras.layers.ReLU(),
            ]
        layers += [keras.layers.MaxPooling2D()]
    layers += [
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.4),
        keras.layers.Dense(10),
    ]
    model = keras.Sequential(layers)
    images, labels = digits("train")
    batch = 64
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(images) // batch)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0)

    return Classifier(model)
