"""A small TensorFlow graph with the tensors of Inception's `classify_image_graph_def.pb`."""

import numpy as np
import tensorflow as tf

SIDE = 4  # of the images after the graph's resizing, in pixels
EPSILON = 0.01


def small_graph(features: int, classes: int) -> tuple[bytes, dict[str, np.ndarray]]:
    """Returns the file's content and its weights: kernel, mean, variance, beta, gamma and head.

    Like the file of 2015, it records shapes of a batch of one and has an operation that TensorFlow
    no longer allows in new graphs.
    """
    generator = np.random.default_rng(0)
    weights = {
        name: generator.uniform(0.5, 1.5, shape).astype(np.float32)
        for name, shape in {
            "kernel": [1, 1, 3, features],
            "mean": [features],
            "variance": [features],
            "beta": [features],
            "gamma": [features],
            "head": [features, classes],
        }.items()
    }
    with tf.Graph().as_default() as graph:
        contents = tf.constant(b"", name="DecodeJpeg/contents")
        decoded = tf.raw_ops.DecodeJpeg(contents=contents, channels=3, name="DecodeJpeg")
        images = tf.expand_dims(tf.cast(decoded, tf.float32), 0, name="ExpandDims")
        size = tf.constant([SIDE, SIDE])
        resized = tf.raw_ops.ResizeBilinear(images=images, size=size, name="ResizeBilinear")
        constants = {name: tf.constant(each, name=name) for name, each in weights.items()}
        conv = tf.nn.conv2d((resized - 128) / 128, constants["kernel"], 1, "SAME", name="conv")
        normalized = tf.identity(conv, name="batchnorm")
        tf.identity(normalized, name="mixed_6/conv")
        pooled = tf.nn.avg_pool2d(normalized, SIDE, SIDE, "VALID", name="pool_3")
        flat = tf.reshape(pooled, [1, features], name="pool_3/_reshape")
        tf.matmul(flat, constants["head"], name="softmax/logits/MatMul")
    definition = graph.as_graph_def(add_shapes=True)
    definition.versions.producer = 8
    for node in definition.node:
        if node.name == "batchnorm":
            node.op = "BatchNormWithGlobalNormalization"
            node.input.extend(["mean", "variance", "beta", "gamma"])
            node.attr["variance_epsilon"].f = EPSILON
            node.attr["scale_after_normalization"].b = True
    return definition.SerializeToString(), weights


def expected_features(images: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Features of images of the graph's own size, [N, 4, 4, 3] to [N, features]."""
    conv = (images.astype(float) - 128) / 128 @ weights["kernel"][0, 0]
    scale = weights["gamma"] / np.sqrt(weights["variance"] + EPSILON)
    return ((conv - weights["mean"]) * scale + weights["beta"]).mean(axis=(1, 2))
