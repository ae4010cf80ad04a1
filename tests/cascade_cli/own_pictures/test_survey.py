import itertools

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cascade_cli.own_pictures.survey import survey
from cascade_tf.errors import UserError


def noise(height: int, width: int, channels: int) -> np.ndarray:
    shape = [height, width, channels][: 3 if channels > 1 else 2]
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.fixture
def save(tmp_path):
    """Saves an image under a name, and returns its path."""

    def save_image(name: str, image: Image.Image, **options) -> str:
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save_image


def test_sizes_and_colours(save):
    paths = [
        save("a.png", Image.fromarray(noise(30, 40, 3))),
        save("b.jpg", Image.fromarray(noise(20, 10, 1))),
        save("c.webp", Image.fromarray(noise(300, 200, 3))),
    ]
    facts = survey(paths, pictures=1204, classes=3)
    assert facts.sizes == ((40, 30), (10, 20), (200, 300))
    assert facts.sides.tolist() == [10, 30, 200]
    assert facts.described == ("1,204 pictures, 10x20 to 200x300 pixels, 1 of 3 grey, in 3 folders")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_grey_scan_in_a_file_of_colours_is_grey(save, name):
    scan = np.repeat(noise(600, 500, 1)[..., None], 3, axis=-1)
    assert survey([save(name, Image.fromarray(scan))], 1).is_grey
    scan[:100, :100, 0] = 255 - scan[:100, :100, 0]  # a coloured corner
    assert not survey([save(f"b{name}", Image.fromarray(scan))], 1).is_grey


def test_drawings_have_areas_of_one_colour(save):
    drawing = np.full([200, 300, 3], 255, np.uint8)
    drawing[50:150, 100:200] = noise(100, 100, 3)  # the background is most of it
    paths = [
        save("drawing.png", Image.fromarray(drawing)),
        save("icon.png", Image.fromarray(noise(8, 8, 3)).resize((64, 64), 0)),
        save("photograph.jpg", Image.fromarray(noise(60, 80, 3)).resize((320, 240))),
    ]
    facts = survey(paths, 3)
    assert (facts.drawn, facts.is_drawn) == (2, True)
    assert not survey(paths[2:], 1).is_drawn


def test_a_palette_is_looked_up(save):
    colours = Image.fromarray(noise(8, 8, 3)).quantize()
    greys = Image.fromarray(noise(8, 8, 1)).quantize()
    facts = survey([save("a.png", colours), save("b.png", greys)], 2)
    assert (facts.decoded, facts.grey) == (2, 1)


def test_transparency_is_counted_and_colours_under_it_are_not_seen(save):
    pixels = noise(8, 8, 4)
    pixels[..., 3] = 0
    palette = Image.fromarray(noise(8, 8, 3)).quantize()
    paths = [
        save("hidden.png", Image.fromarray(pixels)),
        save("grey.png", Image.fromarray(noise(8, 8, 1)).convert("LA")),
        save("palette.png", palette, transparency=3),
        save("opaque.png", Image.fromarray(noise(8, 8, 3))),
    ]
    facts = survey(paths, 4)
    assert (facts.alpha, facts.grey) == (3, 2)
    assert "3 of 4 with alpha" in facts.described


def test_sixteen_bits_are_counted(save, tmp_path):
    deep = Image.fromarray(np.full([8, 8], 40_000, np.uint16))
    facts = survey([save("a.png", deep)], 1)
    assert (facts.deep, facts.grey) == (1, 1)
    assert facts.described == "1 picture, 8x8 pixels, grey, of 16 bits"


def test_damaged_files_are_counted_and_a_folder_of_them_is_refused(save, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    bad, good = str(tmp_path / "bad.png"), save("a.png", Image.fromarray(noise(8, 8, 3)))
    assert "1 unreadable" in survey([bad, good], 2).described
    with pytest.raises(UserError, match=r"of 1 tried, .*bad\.png"):
        survey([bad], 1)


def test_pictures_that_only_the_decoder_opens_are_seen(save):
    """Pillow alone refuses a PNG file for its texts, and converts no LAB."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("large", "x" * 2_000_000, zip=True)
    paths = [
        save("text.png", Image.fromarray(noise(8, 6, 3)), pnginfo=texts),
        save("lab.tif", Image.new("LAB", (6, 8), (138, 128, 128))),
    ]
    facts = survey(paths, 2)
    assert facts.described == "2 pictures, 6x8 pixels, 1 of 2 grey"


def test_the_time_is_bounded(save):
    path = save("a.png", Image.fromarray(noise(8, 8, 3)))
    for seconds, opened, decoded in ((60, 5, 5), (1, 15, 9), (0, 300, 40)):
        clock = itertools.count(0, seconds)
        facts = survey([path] * 300, 10**7, clock=lambda clock=clock: next(clock))
        assert (facts.pictures, len(facts.sizes), facts.decoded) == (10**7, opened, decoded)
