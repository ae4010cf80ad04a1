import numpy as np
import pytest
import tensorflow as tf

from wavelet_tf.r3gan.residual_block import ResidualBlock, ScaledConvolution


def _x(*shape):
    return tf.constant(np.random.default_rng(0).standard_normal(shape), tf.float32)


def test_groups_do_not_see_one_another():
    convolution, x = ScaledConvolution(12, 6, size=3, groups=3), _x(1, 5, 5, 12)
    whole = convolution(x)
    for group in range(3):
        own = convolution(x + np.repeat(np.arange(3) != group, 4).astype(np.float32))
        np.testing.assert_array_equal(
            own[..., 2 * group : 2 * group + 2], whole[..., 2 * group : 2 * group + 2]
        )
        assert not np.array_equal(own, whole)


def test_it_equals_its_definition():
    block, x = ResidualBlock(width=6, groups=3, blocks=4), _x(2, 5, 5, 6)
    block.build()
    rng = np.random.default_rng(1)
    for weight in block.weights:
        weight.assign(rng.standard_normal(weight.shape))
    expand, grouped, project = (c.kernel.numpy() for c in block.convolutions)
    dense = np.zeros([3, 3, 12, 12], np.float32)  # the grouped kernel, with zeros between groups
    for group in range(3):
        own = slice(4 * group, 4 * group + 4)
        dense[:, :, own, own] = grouped[..., own]
    y = tf.nn.conv2d(x, expand, 1, "SAME")
    for bias, kernel in zip(block.biases, (dense, project), strict=True):
        y = y + bias
        y = tf.nn.conv2d(tf.maximum(y, 0.2 * y), kernel, 1, "SAME")
    np.testing.assert_allclose(block(x), x + y, rtol=1e-4, atol=1e-4)


def test_the_scale_of_a_branch_depends_on_the_depth_of_the_network():
    """Without zeros in the last convolution, the variance of a branch is L^-1/2 per convolution."""
    variances = []
    for blocks in (1, 16):
        block, x = ResidualBlock(width=64, groups=2, blocks=blocks), _x(1, 32, 32, 64)
        block.build()
        y = block.convolutions[0](x)
        variances.append(np.var(block.convolutions[1](tf.nn.leaky_relu(y, 0.2))))
    # The border sees zeros: the variance is below that of 2 / (1 + 0.2^2).
    assert variances[0] == pytest.approx(2 / 1.04, rel=0.15)
    assert variances[0] / variances[1] == pytest.approx(16, rel=0.15)
