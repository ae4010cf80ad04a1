import io
import struct
import zlib

import numpy as np
import pytest
import skimage
from PIL import Image

from cascade_tf.data.image_decoding import decode_jpeg, decode_rgb, is_plain_jpeg


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def solid(mode: str, colour) -> Image.Image:
    return Image.new(mode, (4, 2), colour)


def sixteen_bits(intensity: int) -> Image.Image:
    return Image.fromarray(np.full((2, 4), intensity, np.uint16))


MODES = {
    "rgb": (encode(solid("RGB", (10, 20, 30))), (10, 20, 30), 0),
    "webp": (encode(solid("RGB", (10, 20, 30)), "WEBP", lossless=True), (10, 20, 30), 0),
    "grey": (encode(solid("L", 77)), (77, 77, 77), 0),
    "bilevel": (encode(solid("1", 1)), (255, 255, 255), 0),
    "palette": (encode(solid("RGB", (200, 20, 30)).quantize(4)), (200, 20, 30), 0),
    "cmyk": (encode(solid("CMYK", (0, 255, 255, 0)), "JPEG"), (255, 0, 0), 4),
    "clear": (encode(solid("RGBA", (255, 0, 0, 0))), (255, 255, 255), 0),
    "alpha": (encode(solid("RGBA", (255, 0, 0, 51))), (255, 204, 204), 1),
    "grey with alpha": (encode(solid("LA", (0, 51))), (204, 204, 204), 1),
    "clear palette": (encode(solid("P", 0), transparency=0), (255, 255, 255), 0),
    "16 bits": (encode(sixteen_bits(257 * 99 + 100)), (99, 99, 99), 0),
    "16 bits, white": (encode(sixteen_bits(65535)), (255, 255, 255), 0),
}


@pytest.mark.parametrize(("encoded", "expected", "tolerance"), MODES.values(), ids=MODES)
def test_every_mode_becomes_rgb(encoded, expected, tolerance):
    image = decode_rgb(encoded)
    assert image.shape == (2, 4, 3) and image.dtype == np.uint8
    np.testing.assert_allclose(image, np.broadcast_to(expected, (2, 4, 3)), atol=tolerance)


def test_sixteen_bit_colour():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = 2 * (b"\0" + 4 * struct.pack(">3H", 65535, 257 * 99, 0))
    header = struct.pack(">2I5B", 4, 2, 16, 2, 0, 0, 0)
    encoded = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
    image = decode_rgb(encoded + chunk(b"IEND", b""))
    np.testing.assert_array_equal(image, np.broadcast_to((255, 99, 0), (2, 4, 3)))


def test_exif_orientation_is_applied():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, :2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    image = decode_rgb(encode(Image.fromarray(pixels), exif=exif))
    np.testing.assert_array_equal(image, np.rot90(pixels, k=-1))


def test_an_animation_gives_its_first_frame():
    frames = [solid("RGB", (10, 20, 30)), solid("RGB", (90, 80, 70))]
    encoded = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(decode_rgb(encoded)[0, 0], (10, 20, 30))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_file_raises(kind):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    encoded = encode(Image.fromarray(noise), kind)
    with pytest.raises(Exception):  # noqa: B017 - Pillow's types vary by format
        decode_rgb(encoded[: len(encoded) // 2])


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
def test_plain_jpeg_has_the_same_pixels_in_a_graph(quality, mode, options):
    photograph = Image.fromarray(skimage.data.chelsea()[20:163, 90:301]).convert(mode)
    encoded = encode(photograph, "JPEG", quality=quality, **options)
    assert is_plain_jpeg(encoded)
    np.testing.assert_array_equal(decode_jpeg(encoded), decode_rgb(encoded))


def jpeg_with_orientation(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    return encode(solid("RGB", (10, 20, 30)), "JPEG", exif=exif)


def test_exif_alone_does_not_turn_an_image():
    assert is_plain_jpeg(jpeg_with_orientation(1))


def test_a_grey_decompression_bomb_is_left_to_pillow():
    encoded = bytearray(encode(solid("L", 77), "JPEG"))
    frame = encoded.index(b"\xff\xc0") + 5
    encoded[frame : frame + 4] = struct.pack(">2H", 14_000, 14_000)
    assert not is_plain_jpeg(bytes(encoded))
    with pytest.raises(Image.DecompressionBombError):
        decode_rgb(bytes(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        jpeg_with_orientation(6),
        encode(solid("CMYK", (0, 255, 255, 0)), "JPEG"),
        encode(solid("RGB", (10, 20, 30)), "PNG"),
        b"\xff\xd8\xff\xe1",
        b"",
    ],
    ids=["turned", "cmyk", "png", "cut in EXIF", "empty"],
)
def test_other_files_are_not_decoded_as_plain_jpeg(encoded):
    assert not is_plain_jpeg(encoded)
