"""Packages and their requirements. TensorFlow is an extra, so that users pick its build."""

import pathlib
import re

from setuptools import find_packages, setup


def _read(path: str) -> str:
    return (pathlib.Path(__file__).parent / path).read_text()


_DOCS = [
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.6,<10",
    "mkdocstrings[python]>=0.30,<2",
    # The mkdocstrings for Python 3.10 does not work with version 12.
    "pymdown-extensions>=10.14,<12; python_version < '3.11'",
]
# hardware/ uses private modules of jax 0.10, for which Python 3.10 is too old.
_STABLEHLO = ["jax>=0.10.2,<0.11; python_version >= '3.11'"]
# The compilers of TPUs and GPUs, which have wheels for Linux on x86-64 alone.
_COMPILE = [
    *_STABLEHLO,
    *(
        f"{package}; python_version >= '3.11' and platform_system == 'Linux' "
        "and platform_machine == 'x86_64'"
        for package in (
            "jax-cuda12-plugin>=0.10.2,<0.11",
            "libtpu>=0.0.42,<0.1",
            "nvidia-cuda-nvcc-cu12>=12.6.85,<13",
        )
    ),
]
_ONNX = ["tf2onnx>=1.17,<1.18", "onnxruntime>=1.20,<2"]
_TFLITE = ["ai-edge-litert>=2,<3"]

setup(
    name="cascade-tf",
    version=re.search(r'__version__ = "(.*)"', _read("cascade_tf/__init__.py"))[1],
    description="Subscale Pixel Networks and not-so-BigGAN in TensorFlow 2 and Keras",
    long_description=_read("README.md"),
    long_description_content_type="text/markdown",
    author="The cascade-tf authors",
    license="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    keywords="tensorflow keras image-generation autoregressive pixelcnn gan wavelets",
    python_requires=">=3.10",
    packages=[
        *find_packages(include=["cascade_cli*", "cascade_tf*", "spn_tf*", "wavelet_tf*"]),
        "cascade_cli.configs",
        "cascade_cli.examples",
        "cascade_tf.models",
    ],
    package_dir={
        "cascade_cli.configs": "configs",
        "cascade_cli.examples": "examples",
        "cascade_tf.models": "models",
    },
    package_data={
        "": ["py.typed", "*.pyi"],
        "cascade_cli.configs": ["**/*.flags"],
        "cascade_tf.models": ["**"],
    },
    entry_points={"console_scripts": ["cascade-tf=cascade_cli.command_line:main"]},
    install_requires=[
        "absl-py>=2.1,<3",
        "constriction>=0.5,<0.6",  # the range encoder of archives
        "etils[epath]>=1.9,<2",
        "filelock>=3.25.2,<4",
        "imagecodecs>=2025.3.30",  # JPEG XL, to compare models with
        "importlib_resources>=6,<8",  # tensorflow-datasets uses it without declaring it
        "keras>=3.12,<4",
        "lazy-loader>=0.4,<1",
        "matplotlib>=3.8,<4",
        "numpy>=1.26,<3",
        "pillow>=10.1,<14",
        "pyoxipng>=9.1,<10",  # the smallest PNG files, to compare models with
        "pywavelets>=1.5,<2",  # the wavelets' filters
        "rich>=13,<16",
        "safetensors>=0.5,<1",  # files of weights
        "tensorboard>=2.19,<3",  # TensorFlow 2.21 no longer requires it
        "tensorflow-datasets>=4.9.8,<5",
        "tensorflow-metadata>=1.17.2,<1.18",  # TFDS needs it; 1.18 needs a newer protobuf
    ],
    extras_require={
        "cpu": ["tensorflow-cpu>=2.19,<2.22"],
        "gpu": ["tensorflow[and-cuda]>=2.19,<2.22"],
        "tpu": ["tensorflow-tpu>=2.19,<2.22"],
        "compile": _COMPILE,
        "stablehlo": _STABLEHLO,
        "onnx": _ONNX,
        "tflite": _TFLITE,
        "demo": ["mlxtend>=0.23,<1", "scikit-image>=0.24,<1"],
        "docs": _DOCS,
        "test": [
            *_DOCS,
            *_COMPILE,
            *_ONNX,
            *_TFLITE,
            "build>=1.2,<2",
            "mypy>=1.15,<3",
            "pytest>=8,<10",
            "pytest-xdist>=3.8,<4",
            "ruff>=0.9,<1",
            "uv>=0.8,<1",
        ],
    },
)
