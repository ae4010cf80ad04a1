"""Imports TensorFlow without its banners and warnings, which users cannot act on."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


def start() -> None:
    """Sets the environment, and imports TensorFlow and Keras; calling it again does nothing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors reach users as exceptions
    os.environ["MPLBACKEND"] = "agg"  # notebooks name one that only they have
    os.environ["KERAS_HOME"] = os.devnull  # so that no keras.json is read
    # TensorFlow prints banners at any log level; its converter for phones imports jax, which takes
    # longer than a command should.
    with silent_stderr(), _without("jax"):
        import keras  # noqa: F401
        import tensorflow as tf

        with contextlib.suppress(OSError, ValueError):  # not Linux, or a level that is no number
            _set_log_level_of_absl()
    from absl import logging

    logging.set_verbosity(logging.WARNING)
    tf.get_logger().setLevel("ERROR")


def _set_log_level_of_absl() -> None:
    """Sets it in C++: absl in TensorFlow 2.19 and 2.20 does not read the environment."""
    import tensorflow as tf

    library = ctypes.CDLL(f"{tf.sysconfig.get_lib()}/libtensorflow_framework.so.2")
    for release in ("20230802", "20250127"):
        name = f"_ZN4absl12lts_{release}14SetMinLogLevelENS0_18LogSeverityAtLeastE"
        with contextlib.suppress(AttributeError):
            library[name](int(os.environ["TF_CPP_MIN_LOG_LEVEL"]))


@contextlib.contextmanager
def _without(package: str) -> Iterator[None]:
    """Hides a package, unless it is imported already."""
    hidden = package not in sys.modules
    if hidden:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules[package]


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Drops what native code writes to stderr; Python's exceptions come through."""
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
