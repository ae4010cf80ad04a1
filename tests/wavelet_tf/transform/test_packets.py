import numpy as np
import pytest
import pywt

from wavelet_tf.transform import dwt2, packet2, unpacket2


def _images(height=16, width=24):
    return np.random.default_rng(0).standard_normal((2, height, width, 3))


def test_patches_equal_pywavelets_packets_in_the_documented_order():
    images = _images()
    patches = packet2(images, 4, "db2", "periodization")
    assert patches.shape == (2, 4, 6, 16 * 3)
    packet = pywt.WaveletPacket2D(images, "db2", "periodization", maxlevel=2, axes=(1, 2))
    for number, path in enumerate(a + b for a in "ahvd" for b in "ahvd"):  # TL, TR, BL, BR
        patch = patches[..., 3 * number : 3 * number + 3]
        np.testing.assert_allclose(patch, packet[path].data, atol=1e-12, err_msg=path)


@pytest.mark.parametrize("size", [16, 8, 2])
def test_unpacket_inverts_packet(size):
    images = _images()
    np.testing.assert_allclose(unpacket2(packet2(images, size), 16), images, atol=1e-12)


def test_one_split_equals_the_transform():
    images = _images()
    np.testing.assert_allclose(packet2(images, 8), np.concatenate(dwt2(images), -1))


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="size: 16 pixels cannot be halved to 6"):
        packet2(_images(), 6)
    with pytest.raises(ValueError, match="size: 8 pixels cannot be halved to 16"):
        unpacket2(_images(), 8)
    with pytest.raises(ValueError, match="patches: there are 3 channels; 4 patches need"):
        unpacket2(_images(), 32)
    with pytest.raises(TypeError, match="images: dtype is uint8"):
        packet2(np.zeros([1, 4, 4, 1], np.uint8), 4)
    with pytest.raises(ValueError, match="wavelet: 'none' is not"):
        packet2(_images(), 16, wavelet="none")
    with pytest.raises(ValueError, match="images: the width is 18; use a multiple of 4"):
        packet2(_images(16, 18), 4)
