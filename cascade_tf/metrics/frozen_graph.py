"""The frozen TensorFlow graph of Inception, `classify_image_graph_def.pb`."""

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

_INPUT = "ExpandDims:0"  # after the JPEG decoder: float [1, H, W, 3], 0 to 255
_FEATURES = "pool_3:0"  # [1, 1, 1, D]
_LOGITS = "softmax/logits/MatMul"  # of the features and the head's weights


class FrozenGraph:
    """Runs the graph as it is, its own resize included, on batches of any number of images.

    A session rather than a `tf.function`: the graph holds operations that TensorFlow has since
    removed, and a session keeps the graph's own version.

    Attributes:
        head: float32 [D, classes], the weights of the classifier.

    Args:
        content: of the file.

    Raises:
        ValueError: no graph, or not one with the tensors of Inception.
    """

    def __init__(self, content: bytes) -> None:
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(content)
        except DecodeError as error:
            raise ValueError("no TensorFlow graph") from error
        for node in definition.node:
            # Shapes noted in the file are those of a batch of one; they are inferred anew.
            node.attr.pop("_output_shapes", None)
        with tf.Graph().as_default() as graph:
            self._images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3])
            self._features, product = tf.import_graph_def(
                definition,
                input_map={_INPUT: self._images},
                return_elements=[_FEATURES, _LOGITS],
                name="",
            )
        self._session = tf.compat.v1.Session(graph=graph)
        # The graph's own logits are reshaped for a batch of one: the head is applied outside.
        self.head: np.ndarray = self._session.run(product.inputs[1])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """uint8 [N, H, W, 3] to float32 [N, D]."""
        features = self._session.run(self._features, {self._images: images.astype(np.float32)})
        return features.reshape(len(images), -1)
