"""Packages and what they need. TensorFlow is an extra, so that users pick its build."""

import pathlib

from setuptools import find_packages, setup

setup(
    name="cascade-tf",
    version="0.1.0",
    description="Subscale Pixel Networks and not-so-BigGAN in TensorFlow 2 and Keras",
    long_description=pathlib.Path(__file__).with_name("README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["cascade_tf*", "spn_tf*", "wavelet_tf*"]),
    install_requires=[
        "absl-py>=2.1,<3",
        "etils[epath]>=1.9,<2",
        "filelock>=3.25.2,<4",  # earlier ones take a file system without locks for a lock held
        "importlib_resources>=6,<8",  # tensorflow-datasets uses it without declaring it
        "keras>=3.12,<4",
        "matplotlib>=3.8,<4",
        "numpy>=1.26,<3",
        "pillow>=10.1,<14",
        "pywavelets>=1.5,<2",  # the filters of wavelets
        "rich>=13,<16",
        "tensorboard>=2.19,<3",  # TensorFlow does not bring it
        "tensorflow-datasets>=4.9.8,<5",
        "tensorflow-metadata>=1.17.2,<1.18",  # of TFDS; later ones need a protobuf after TF 2.19's
    ],
    extras_require={
        "cpu": ["tensorflow-cpu>=2.19,<2.22"],
        "gpu": ["tensorflow[and-cuda]>=2.19,<2.22"],
        "tpu": ["tensorflow-tpu>=2.19,<2.22"],
        "demo": ["mlxtend>=0.23,<1", "scikit-image>=0.24,<1"],
        "test": ["mypy>=1.15,<3", "pytest>=8,<10", "pytest-xdist>=3.8,<4", "ruff>=0.9,<1"],
    },
)
