import io
import struct
import zlib

import numpy as np
import pytest
import skimage
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from cascade_tf.data.image_decoding import decode_plain, decode_rgb, is_plain


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def solid(mode: str, colour) -> Image.Image:
    return Image.new(mode, (4, 2), colour)


def sixteen_bits(intensity: int) -> Image.Image:
    return Image.fromarray(np.full((2, 4), intensity, np.uint16))


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png16(values: np.ndarray, transparent: tuple[int, ...] = ()) -> bytes:
    """A PNG file of uint16 [h, w, C]; Pillow writes 16 bits of grey only."""
    height, width, channels = values.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">2I5B", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    clear = struct.pack(f">{len(transparent)}H", *transparent)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header),
            chunk(b"tRNS", clear) if transparent else b"",
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""),
        )
    )


def tiff(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def everywhere(*values, dtype=np.uint16) -> np.ndarray:
    return np.full((2, 4, len(values)), values, dtype)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# A profile whose red primary is sRGB's green, and the reverse.
EXCHANGED = SRGB.replace(b"rXYZ", b"????", 1).replace(b"gXYZ", b"rXYZ", 1)
EXCHANGED = EXCHANGED.replace(b"????", b"gXYZ", 1)


def linear_grey() -> bytes:
    """A profile of grey that is proportional to light."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">2I", 0, 0)[:4] + b"\0\0\0\0"
    table = struct.pack(">I", 2) + b"wtpt" + struct.pack(">2I", 156, 20)
    table += b"kTRC" + struct.pack(">2I", 176, 12)
    header = struct.pack(">I4sI4s4s4s", 192, b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + white + curve


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
    "16 bits, clear": (png16(everywhere(40000), (40000,)), (255, 255, 255), 0),
    "16 bits, opaque": (png16(everywhere(40000), (40001,)), (156, 156, 156), 0),
    "16 bits, clear colour": (png16(everywhere(9, 8, 7), (9, 8, 7)), (255, 255, 255), 0),
    "16 bits, grey with alpha": (png16(everywhere(0, 257 * 51)), (204, 204, 204), 1),
    "16 bits, alpha": (png16(everywhere(65535, 0, 0, 257 * 51)), (255, 204, 204), 1),
    "16 bits, TIFF": (tiff(everywhere(65535, 300, 0)), (255, 1, 0), 0),
    "16 bits, PPM": (b"P6 4 2 65535 " + 8 * struct.pack(">3H", 65535, 300, 0), (255, 1, 0), 0),
    "16 bits, PGM": (b"P5 4 2 65535 " + 8 * struct.pack(">H", 300), (1, 1, 1), 0),
    "16 bits, TIFF with alpha": (
        tiff(everywhere(65535, 0, 0, 257 * 51), photometric="rgb", extrasamples=["unassalpha"]),
        (255, 204, 204),
        1,
    ),
    "16 bits, premultiplied": (
        tiff(everywhere(257 * 51, 0, 0, 257 * 51), photometric="rgb", extrasamples=["assocalpha"]),
        (255, 204, 204),
        1,
    ),
    "16 bits, CMYK": (
        tiff(everywhere(0, 65535, 65535, 0), photometric="separated"),
        (255, 0, 0),
        0,
    ),
    "16 bits, white is zero": (
        tiff(everywhere(65535 - 300)[..., 0], photometric="miniswhite"),
        (1, 1, 1),
        0,
    ),
    "float": (tiff(everywhere(0.2, dtype=np.float32)[..., 0]), (51, 51, 51), 0),
    "float, PFM": (b"Pf 4 2 -1.0\n" + 8 * struct.pack("<f", 1), (255, 255, 255), 0),
    "float, big-endian": (
        tiff(everywhere(0.2, dtype=np.float32)[..., 0], byteorder=">", compression="zlib"),
        (51, 51, 51),
        0,
    ),
    "LAB": (encode(solid("LAB", (138, 209, 198)), "TIFF"), (255, 0, 0), 6),
    "YCbCr": (encode(solid("YCbCr", (76, 85, 255)), "TIFF"), (255, 0, 0), 3),
    "palette with alpha": (encode(solid("RGBA", (255, 0, 0, 51)).quantize(2)), (255, 204, 204), 2),
    "clear bilevel": (encode(solid("1", 0), transparency=0), (255, 255, 255), 0),
    "GIF": (encode(solid("P", 0), "GIF", transparency=0), (255, 255, 255), 0),
    "sRGB": (encode(solid("RGB", (9, 20, 30)), icc_profile=SRGB), (9, 20, 30), 0),
    "damaged profile": (encode(solid("RGB", (9, 20, 30)), icc_profile=b"?" * 99), (9, 20, 30), 0),
    "profile": (encode(solid("RGB", (255, 0, 0)), icc_profile=EXCHANGED), (0, 255, 0), 1),
    "profile, 16 bits": (
        tiff(everywhere(65535, 0, 0), iccprofile=EXCHANGED, photometric="rgb"),
        (0, 255, 0),
        1,
    ),
    "profile, JPEG": (
        encode(solid("RGB", (255, 0, 0)), "JPEG", icc_profile=EXCHANGED, quality=100),
        (0, 255, 0),
        3,
    ),
    "profile, palette": (
        encode(solid("RGB", (255, 0, 0)).quantize(2), icc_profile=EXCHANGED),
        (0, 255, 0),
        1,
    ),
    "profile, alpha": (
        encode(solid("RGBA", (255, 0, 0, 51)), "WEBP", lossless=True, icc_profile=EXCHANGED),
        (204, 255, 204),
        1,
    ),
    "profile of colours, grey": (
        encode(solid("L", 77), icc_profile=EXCHANGED),
        (77, 77, 77),
        0,
    ),
    "profile of grey": (encode(solid("L", 128), icc_profile=linear_grey()), (188, 188, 188), 1),
}


@pytest.mark.parametrize(("encoded", "expected", "tolerance"), MODES.values(), ids=MODES)
def test_every_mode_becomes_rgb(encoded, expected, tolerance):
    image = decode_rgb(encoded)
    assert image.shape == (2, 4, 3) and image.dtype == np.uint8
    np.testing.assert_allclose(image, np.broadcast_to(expected, (2, 4, 3)), atol=tolerance)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_grey_of_any_depth_is_laid_over_white(bits):
    last = 2**bits - 1
    values = np.tile([0, last // 3, last], 8)
    digits = (values[:, None] >> np.arange(bits)[::-1]) & 1  # of binary numbers
    row = b"\0" + np.packbits(digits.astype(np.uint8)).tobytes()
    for clear in (0, last // 3, last):
        encoded = b"\x89PNG\r\n\x1a\n" + b"".join(
            (
                chunk(b"IHDR", struct.pack(">2I5B", len(values), 1, bits, 0, 0, 0, 0)),
                chunk(b"tRNS", struct.pack(">H", clear)),
                chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""),
            )
        )
        expected = np.where(values == clear, 255, values * 255 // last)
        np.testing.assert_array_equal(decode_rgb(encoded)[0, :, 0], expected)
        assert not is_plain(encoded)  # a graph would show what is transparent


RAMP = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
RAMPS = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1)


@pytest.mark.parametrize(
    "encoded",
    [
        png16(RAMPS),
        tiff(RAMPS, rowsperstrip=10),
        tiff(RAMPS, byteorder=">"),
        tiff(RAMPS, compression="zlib", predictor=True),
        tiff(RAMPS, compression="zlib", byteorder=">"),
        tiff(RAMPS, tile=(16, 16)),
    ],
    ids=["PNG", "TIFF", "big-endian", "compressed", "compressed big-endian", "tiled"],
)
def test_sixteen_bits_are_rounded(encoded):
    np.testing.assert_array_equal(decode_rgb(encoded), (RAMPS.astype(int) + 128) // 257)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (tiff(everywhere(2.0, dtype=np.float32)[..., 0]), "values are from 2 to 2: use 0 to 1"),
        (tiff(everywhere(np.nan, dtype=np.float32)[..., 0]), "from nan to nan"),
        (tiff(everywhere(9, dtype=np.uint32)[..., 0]), "32-bit integers, of unknown range"),
        (tiff(everywhere(9, dtype=np.int16)[..., 0]), "signed integers"),
        (tiff(everywhere(9, dtype=np.int8)[..., 0]), "signed integers"),
        (tiff(RAMPS.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), "planes"),
    ],
    ids=["above 1", "NaN", "32 bits", "signed", "signed bytes", "planes"],
)
def test_values_without_a_rule_are_refused(encoded, reason):
    with pytest.raises(Exception, match=reason):
        decode_rgb(encoded)


def odd_exif(orientation: int) -> bytes:
    """EXIF with -1, and with 2/0, which Pillow reads and cannot write again."""
    entries = struct.pack("<HHIi", 0x0100, 9, 1, -1)
    entries += struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    entries += struct.pack("<HHII", 0x011A, 5, 1, 50)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 3) + entries + struct.pack("<3I", 0, 2, 0)


TEXTS = PngImagePlugin.PngInfo()
TEXTS.add_text("large", "x" * 2_000_000, zip=True)


def with_damaged_text(encoded: bytes) -> bytes:
    """A PNG file with a text of the wrong checksum."""
    return encoded[:33] + chunk(b"tEXt", b"a\0b")[:-1] + b"?" + encoded[33:]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {"exif": b"Exif\0\0nonsense"}),
        ("WEBP", {"exif": b"Exif\0\0nonsense", "lossless": True}),
        ("PNG", {"exif": odd_exif(6)}),
        ("WEBP", {"exif": odd_exif(6), "lossless": True}),
        ("PNG", {"pnginfo": TEXTS, "exif": odd_exif(6)}),
        ("PNG", {"pnginfo": TEXTS, "icc_profile": SRGB}),
    ],
)
def test_pixels_count_whatever_the_metadata(kind, options):
    """Only the orientation matters."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    encoded = encode(Image.fromarray(pixels), kind, **options)
    is_turned = options.get("exif") == odd_exif(6)
    expected = np.rot90(pixels, k=-1) if is_turned else pixels
    np.testing.assert_array_equal(decode_rgb(encoded), expected)
    if kind == "PNG":
        np.testing.assert_array_equal(decode_rgb(with_damaged_text(encoded)), expected)


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", odd_exif(1)], ids=["garbage", "odd"])
def test_jpeg_with_odd_metadata_is_plain(exif):
    encoded = encode(solid("RGB", (10, 20, 30)), "JPEG", exif=exif)
    assert is_plain(encoded)
    np.testing.assert_array_equal(decode_rgb(encoded), decode_plain(encoded))


def test_turned_jpeg_has_the_pixels_of_plain_jpeg():
    """Pillow and TensorFlow decode with the same DCT."""
    photograph = Image.fromarray(skimage.data.chelsea()[20:163, 90:301])
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = decode_rgb(encode(photograph, "JPEG", exif=exif))
    np.testing.assert_array_equal(turned[::-1, ::-1], decode_rgb(encode(photograph, "JPEG")))


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
    assert is_plain(encoded)
    np.testing.assert_array_equal(decode_plain(encoded), decode_rgb(encoded))


def test_a_text_alone_is_no_hindrance_unless_it_has_an_orientation():
    for text, plain in (("Software", True), ("Raw profile type exif", False)):
        texts = PngImagePlugin.PngInfo()
        texts.add_text(text, "x")
        assert is_plain(encode(solid("RGB", (10, 20, 30)), pnginfo=texts)) == plain


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("profile", [None, SRGB])
def test_plain_png_has_the_same_pixels_in_a_graph(mode, profile):
    photograph = Image.fromarray(skimage.data.chelsea()[20:163, 90:301]).convert(mode)
    encoded = encode(photograph, icc_profile=profile)
    assert is_plain(encoded) == (profile is None)
    np.testing.assert_array_equal(decode_plain(encoded), decode_rgb(encoded))


def jpeg_with_orientation(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = number
    return encode(solid("RGB", (10, 20, 30)), "JPEG", exif=exif)


def test_exif_alone_does_not_turn_an_image():
    assert is_plain(jpeg_with_orientation(1))


def test_a_grey_decompression_bomb_is_left_to_pillow():
    encoded = bytearray(encode(solid("L", 77), "JPEG"))
    frame = encoded.index(b"\xff\xc0") + 5
    encoded[frame : frame + 4] = struct.pack(">2H", 14_000, 14_000)
    assert not is_plain(bytes(encoded))
    with pytest.raises(Image.DecompressionBombError):
        decode_rgb(bytes(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        jpeg_with_orientation(6),
        encode(solid("CMYK", (0, 255, 255, 0)), "JPEG"),
        encode(solid("RGB", (255, 0, 0)), "JPEG", icc_profile=EXCHANGED),
        encode(solid("RGB", (255, 0, 0)), exif=odd_exif(6)),
        *(MODES[name][0] for name in ("alpha", "palette", "clear palette", "16 bits", "profile")),
        b"\xff\xd8\xff\xe1",
        b"",
    ],
    ids=["turned", "cmyk", "profile", "turned PNG", *"apcsi", "cut in EXIF", "empty"],
)
def test_other_files_are_not_plain(encoded):
    assert not is_plain(encoded)
