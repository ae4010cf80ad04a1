import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from cascade_tf import codecs
from cascade_tf.codecs import codec_bits_per_dim


def _random(count, side=16, channels=3, seed=0):
    shape = [count, side, side, channels]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _waves(bits):
    """Two images of smooth waves and a little noise, with low bits of zero."""
    y, x = np.mgrid[:48, :96]
    waves = np.stack([np.sin(x / 37), np.sin((x + y) / 41), np.cos((x - 2 * y) / 53)], axis=-1)
    noise = np.random.default_rng(0).standard_normal(waves.shape)
    image = np.clip(128 + 65 * waves + 4 * noise, 0, 255).astype(np.uint8)
    return np.stack([image[:, :48], image[:, 48:]]) >> (8 - bits) << (8 - bits)


def _pillows(images, kind, **options):
    """Bits/dim of two images side by side in a file of Pillow's."""
    file = io.BytesIO()
    Image.fromarray(np.concatenate(list(images), axis=1)).save(file, kind, **options)
    return 8 * len(file.getvalue()) / images.size


def test_constant_images_cost_almost_nothing():
    for value in codec_bits_per_dim(np.full([100, 32, 32, 3], 77, np.uint8)).values():
        assert 0 < value < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_random_images_cost_about_8_bits(channels):
    figures = codec_bits_per_dim(_random(40, channels=channels))
    assert list(figures) == ["png", "webp", "jpegxl"]
    for name, value in figures.items():  # JPEG XL at effort 10 is not made for noise
        assert 8 <= value < (9.2 if name == "jpegxl" else 8.5)


def test_random_images_of_3_bits_cost_about_3():
    for value in codec_bits_per_dim(_random(40) >> 5 << 5).values():
        assert 3 <= value < 3.6


@pytest.mark.parametrize("bits", [1, 5, 8])
def test_the_figures_are_no_larger_than_pillows_files_of_the_same_sheet(bits):
    images = _waves(bits)
    figures = codec_bits_per_dim(images)
    for zeros in {0, 8 - bits}:
        for name, options in (
            ("png", {"optimize": True}),
            ("png", {"compress_level": 9}),
            ("webp", {"lossless": True, "quality": 100, "method": 6}),
        ):
            assert figures[name] <= _pillows(images >> zeros, name, **options)


def test_at_5_bits_png_takes_far_fewer_bits_than_pillows_optimize():
    images = _waves(bits=5)
    bits = codec_bits_per_dim(images, ["png"])["png"]
    assert bits < 0.85 * _pillows(images, "png", optimize=True)
    assert bits < 0.95 * _pillows(images, "png", compress_level=9)


@pytest.mark.parametrize("codec", codecs.TITLES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_holds_the_image(codec, channels):
    image = _waves(bits=5)[0, :5, :, :channels]
    file = codecs._smallest_file(image, codec)
    signature = {"png": b"\x89PNG", "webp": b"RIFF", "jpegxl": b"\xff\x0a"}[codec]
    assert file.startswith(signature)
    if codec != "jpegxl":
        mode = "L" if channels == 1 else "RGB"
        decoded = np.asarray(Image.open(io.BytesIO(file)).convert(mode))
        np.testing.assert_array_equal(decoded.reshape(image.shape), image)


def test_a_file_that_is_not_lossless_does_not_count(monkeypatch):
    encode = imagecodecs.jpegxl_encode
    monkeypatch.setattr(
        imagecodecs, "jpegxl_encode", lambda image, **options: encode(image, distance=0.0)
    )
    with pytest.raises(RuntimeError, match=r"JPEG XL .* does not return the image"):
        codec_bits_per_dim(_waves(bits=8), ["jpegxl"])


def test_jpegxl_at_effort_10_is_the_strongest_of_waves():
    figures = codec_bits_per_dim(_waves(bits=5))
    assert figures["jpegxl"] < 0.95 * min(figures["png"], figures["webp"])


def test_files_of_one_image_are_the_sum_of_sheets_of_one():
    images = np.concatenate([_random(3, side=8), np.zeros([2, 8, 8, 3], np.uint8)])
    each = [codec_bits_per_dim(images[k : k + 1]) for k in range(len(images))]
    files = []
    alone = codec_bits_per_dim(images, tiled=False, on_file=lambda: files.append(1))
    for name, value in alone.items():
        assert value == pytest.approx(np.mean([figures[name] for figures in each]))
    assert len(files) == len(images) * len(codecs.TITLES)


def test_headers_are_paid_once_not_for_each_image():
    images = _random(64, side=4, channels=1) >> 6 << 6
    one, many = codec_bits_per_dim(images[:1]), codec_bits_per_dim(images)
    for name in one:
        assert many[name] < one[name] / 4


def test_images_on_several_sheets_add_up(monkeypatch):
    images, small = _random(23), ["png", "webp"]  # noise is no measure for JPEG XL
    whole = codec_bits_per_dim(images, small)
    monkeypatch.setattr(codecs, "_SHEET_SIDE", 32)  # 4 images on each
    for name, value in codec_bits_per_dim(images, small).items():
        assert whole[name] < value < whole[name] + 1
    sheets = []
    page = np.zeros([8, 8, 3], np.uint8)
    monkeypatch.setattr(codecs, "sheet", lambda images, columns: sheets.append(images) or page)
    codec_bits_per_dim(images, ["webp"])
    assert sorted(map(len, sheets)) == [3, 4, 4, 4, 4, 4]  # threads encode them
    encoded = sorted(image.tobytes() for part in sheets for image in part)
    assert encoded == sorted(image.tobytes() for image in images)
