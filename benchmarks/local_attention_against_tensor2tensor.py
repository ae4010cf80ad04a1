#!/usr/bin/env python3
"""Compares the Image Transformer's local attention with its authors', of tensor2tensor.

    pip install --no-deps --target /tmp/originals tensor2tensor==1.15.7 \
        tensorflow-probability==0.25.0 tf-keras==2.21.0 cloudpickle==3.1.3 decorator==5.2.1
    PYTHONPATH=/tmp/originals python benchmarks/local_attention_against_tensor2tensor.py

`LocalAttention` gets random weights. Their `masked_local_attention_2d` gets the queries, keys and
values of the same kernels, and its output is multiplied by our output kernel. Outputs, and
gradients of a random projection of them to the inputs, are compared in float64.

The original takes a key of zeros outside a block for padding, and hides it. Random keys are never
zero. The last line has one position of zeros, so that the two differ by intention.

Largest differences in all shapes: outputs 1.3e-15, gradients 3.2e-15.
"""

import os
import sys
import types
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from spn_tf.image_transformer.local_attention import Blocks, LocalAttention

flags.DEFINE_integer("batch", 2, "Images.")
flags.DEFINE_integer("head_width", 5, "Units of a head.")
FLAGS = flags.FLAGS

HEADS_AND_BLOCKS = [
    (1, Blocks(4, 6, rows=2, columns=3, above=2, beside=1)),
    (4, Blocks(8, 12, rows=4, columns=3, above=2, beside=2)),
    (3, Blocks(6, 8, rows=3, columns=2, above=5, beside=3)),  # memory larger than a block
    (2, Blocks(6, 12, rows=3, columns=4, above=0, beside=2)),
    (2, Blocks(8, 6, rows=2, columns=3, above=3, beside=0)),
    (2, Blocks(6, 8, rows=1, columns=8, above=4, beside=0)),  # blocks of whole rows
    (2, Blocks(6, 8, rows=6, columns=8, above=2, beside=2)),  # a single block
    (2, Blocks(4, 4, rows=1, columns=1, above=2, beside=2)),  # blocks of one position
    (2, Blocks(6, 8, rows=3, columns=4, above=0, beside=0)),
]


def _original() -> Any:
    """tensor2tensor's module; of these two packages it needs only that their names exist."""
    for name in ("tensorflow_addons", "tf_slim"):
        sys.modules.setdefault(name, types.ModuleType(name))
    from tensor2tensor.layers import common_attention

    return common_attention


def _random_layer(heads: int, blocks: Blocks, rng: np.random.Generator) -> LocalAttention:
    layer = LocalAttention(heads * FLAGS.head_width, heads, blocks, dtype="float64")
    layer.build((None, blocks.height, blocks.width, layer.width))
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0, layer.width**-0.5, weight.shape))
    return layer


def _theirs(layer: LocalAttention, x: tf.Tensor) -> tf.Tensor:
    """The original's attention with the weights of ours, [B, H, W, D] to [B, H, W, D]."""
    b, heads = layer.blocks, layer.heads
    by_head = [-1, b.height, b.width, heads, layer.width // heads]
    q, k, v = (
        tf.transpose(tf.reshape(each, by_head), [0, 3, 1, 2, 4])
        for each in tf.split(tf.tensordot(x, layer.qkv.kernel, axes=1), 3, axis=-1)
    )
    # Its caller, `multihead_attention_2d`, scales the queries too.
    q *= (layer.width // heads) ** -0.5
    read = _original().masked_local_attention_2d(
        q, k, v, query_shape=(b.rows, b.columns), memory_flange=(b.above, b.beside)
    )
    read = tf.reshape(tf.transpose(read, [0, 2, 3, 1, 4]), x.shape)
    return tf.tensordot(read, layer.out.kernel, axes=1)


def _compare(heads: int, blocks: Blocks, rng: np.random.Generator) -> None:
    layer = _random_layer(heads, blocks, rng)
    shape = (FLAGS.batch, blocks.height, blocks.width, layer.width)
    x, projection = (tf.constant(rng.normal(size=shape)) for _ in range(2))
    outputs, gradients = [], []
    for attention in (layer, lambda x: _theirs(layer, x)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = attention(x)
            scalar = tf.reduce_sum(projection * y)
        outputs.append(y)
        gradients.append(tape.gradient(scalar, x))
    print(
        f"heads {heads}, {tuple(blocks)}: outputs up to {np.abs(outputs[0]).max():.2f}; largest "
        f"differences: outputs {_largest_difference(outputs):.1e}, "
        f"gradients {_largest_difference(gradients):.1e}"
    )


def _largest_difference(pair: list[tf.Tensor]) -> float:
    return float(tf.reduce_max(tf.abs(pair[0] - pair[1])))


def _compare_zero_key(rng: np.random.Generator) -> None:
    heads, blocks = HEADS_AND_BLOCKS[0]
    layer = _random_layer(heads, blocks, rng)
    x = rng.normal(size=(1, blocks.height, blocks.width, layer.width))
    x[0, 0, 1] = 0
    x = tf.constant(x)
    difference = np.abs(layer(x) - _theirs(layer, x)).max((0, -1))
    print(
        f"with zeros at row 0, column 1: largest difference {difference.max():.1e}, at (row, "
        f"column) {np.argwhere(difference > 1e-9).tolist()}"
    )


def main(argv: list[str]) -> None:
    del argv
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    for heads, blocks in HEADS_AND_BLOCKS:
        _compare(heads, blocks, rng)
    _compare_zero_key(rng)


if __name__ == "__main__":
    app.run(main)
