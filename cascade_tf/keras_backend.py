"""The backend of Keras, which must be TensorFlow."""

import os
import sys


def use_tensorflow() -> None:
    """Chooses TensorFlow, whatever KERAS_BACKEND and keras.json say for the user's other work.

    Raises:
        ImportError: this process has already imported Keras with another backend.

    >>> use_tensorflow()
    >>> os.environ["KERAS_BACKEND"]
    'tensorflow'
    """
    keras = sys.modules.get("keras")
    backend = "tensorflow" if keras is None else keras.config.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"this process imported Keras with the backend {backend}, and cascade_tf, spn_tf and "
            f"wavelet_tf need tensorflow: import them first, or set KERAS_BACKEND=tensorflow"
        )
    os.environ["KERAS_BACKEND"] = backend
