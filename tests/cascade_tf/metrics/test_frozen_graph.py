import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.metrics.frozen_graph import FrozenGraph
from tests.cascade_tf.metrics.small_graph import SIDE, expected_features, small_graph


def _images(count, height=SIDE, width=SIDE):
    shape = [count, height, width, 3]
    return np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 5, 2])
def test_the_graph_accepts_batches_of_any_size(count):
    content, weights = small_graph(features=6, classes=4)
    graph, images = FrozenGraph(content), _images(count)
    features = graph(images)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected_features(images, weights), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(graph.head, weights["head"])


def test_images_of_other_sizes_are_resized_by_the_graph():
    content, weights = small_graph(features=6, classes=4)
    images = _images(3, height=8, width=12)
    # Without half-pixel centres, resizing by a whole factor picks every k-th pixel.
    expected = expected_features(images[:, ::2, ::3], weights)
    np.testing.assert_allclose(FrozenGraph(content)(images), expected, rtol=0, atol=1e-5)


def test_spatial_features_are_the_first_channels_of_a_middle_layer():
    content, weights = small_graph(features=6, classes=4)
    images = _images(2)
    spatial = FrozenGraph(content, spatial_channels=3)(images).reshape(2, SIDE, SIDE, 3)
    expected = expected_features(images, weights)
    np.testing.assert_allclose(spatial.mean(axis=(1, 2)), expected[:, :3], rtol=0, atol=1e-5)


def test_other_contents_are_refused():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="ExpandDims")
    for content in (b"", b"no graph at all", graph.as_graph_def().SerializeToString()):
        with pytest.raises(ValueError):
            FrozenGraph(content)
