"""The frozen TensorFlow graph of Inception, `classify_image_graph_def.pb`."""

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

_INPUT = "ExpandDims:0"  # after the JPEG decoder: float [1, H, W, 3], 0 to 255
_FEATURES = "pool_3:0"  # [1, 1, 1, D]
_SPATIAL = "mixed_6/conv:0"  # [1, 17, 17, 192]
_LOGITS = "softmax/logits/MatMul"  # product of features and head


class FrozenGraph:
    """Runs the graph of the file, with its own resize, on batches of any size.

    It uses a session, not a `tf.function`: the graph has operations that TensorFlow has removed
    since, and a session honours the graph's version.

    Attributes:
        head: float32 [D, classes], weights of the classifier.

    Args:
        content: bytes of the file.
        spatial_channels: number of the first channels of "mixed_6/conv" that are the features; 0:
            those after the last pooling.

    Raises:
        ValueError: the content is no graph, or has not the tensors of Inception.
    """

    def __init__(self, content: bytes, spatial_channels: int = 0) -> None:
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(content)
        except DecodeError as error:
            raise ValueError("no TensorFlow graph") from error
        for node in definition.node:
            # Drop the shapes in the file, which are for one image, so that they are inferred again.
            node.attr.pop("_output_shapes", None)
        with tf.Graph().as_default() as graph:
            self._images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3])
            features, product = tf.import_graph_def(
                definition,
                input_map={_INPUT: self._images},
                return_elements=[_SPATIAL if spatial_channels else _FEATURES, _LOGITS],
                name="",
            )
            self._features = features[..., : spatial_channels or None]
        self._session = tf.compat.v1.Session(graph=graph)
        # The graph's own logits allow only one image, so the head is applied outside.
        self.head: np.ndarray = self._session.run(product.inputs[1])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts features: uint8 [N, H, W, 3] to float32 [N, D]."""
        features = self._session.run(self._features, {self._images: images.astype(np.float32)})
        return features.reshape(len(images), -1)
