"""Pictures through archives and back, with tiny random models."""

import dataclasses
import re

import numpy as np
import pytest

from spn_tf import SPNModel, SPNTrainingConfig, UpscalingConfig, make_stages
from spn_tf.compression import archive, coded_slice, stage_coder
from spn_tf.compression.archive import ArchiveError
from spn_tf.compression.compressor import Compressor
from spn_tf.compression.integer_probabilities import exponents
from spn_tf.compression.picture import Picture
from spn_tf.compression.stage_coder import StageCoder, StreamReader, StreamWriter
from spn_tf.compression.tiles import to_tiles
from tests.spn_tf.random_networks import ANCHORED, MIXTURE, SHALLOW, randomize, tiny_config

_SIZES = ((4, 4), (5, 3), (1, 9))


def _stages(upscaling="none", seed=0, **changes):
    config = tiny_config(**SHALLOW, **(dict(height=4, width=4, channels=1, scale=2) | changes))
    stages = make_stages(UpscalingConfig(upscaling), config, SPNTrainingConfig())
    for stage in stages:
        stage.build_network()
        randomize(stage.network, seed)
    return stages


def _pictures(stages, sizes=_SIZES, **changes):
    c, rng = stages[-1].config, np.random.default_rng(0)
    low = 8 - c.bits
    return [
        Picture(
            rng.integers(0, 256, [height, width, c.channels], np.uint8) >> low << low,
            f"{number}.png",
            label=number % c.num_classes,
        )
        for number, (height, width) in enumerate(sizes)
    ]


def _pixels(restored):
    return [picture.pixels.tolist() for picture in restored]


@pytest.mark.parametrize(
    ("upscaling", "changes"),
    [
        ("none", dict(bits=1, scale=1)),
        ("none", dict(bits=3, channels=3, num_classes=3)),
        ("none", dict(bits=8, channels=3) | MIXTURE),
        ("size", dict(bits=5, channels=3) | ANCHORED),
        ("multidimensional", dict(bits=8, channels=3) | MIXTURE),
    ],
    ids=str,
)
def test_pictures_of_any_size_come_back_and_cost_their_likelihood(upscaling, changes, eagerly):
    stages = _stages(upscaling, **changes)
    pictures = _pictures(stages)
    compressor, portable = Compressor(stages, workers=2), upscaling == "none"
    compressed = compressor.write(pictures, verify=False, portable=portable)
    assert not compressed.kept
    restored = list(compressor.read(compressed.data))
    assert _pixels(restored) == _pixels(pictures)
    assert [picture.name for picture in restored] == [picture.name for picture in pictures]
    streams = archive.read(compressed.data).streams
    tiles = [to_tiles(picture.pixels, (4, 4)) for picture in pictures]
    labels = np.repeat([picture.label for picture in pictures], [*map(len, tiles)])
    model = SPNModel(stages)
    classes = labels if model.num_classes > 1 else None
    bits = -model.log_prob(np.concatenate(tiles), classes).sum() / np.log(2)
    # A stream ends within two words of its information.
    assert (
        abs(8 * sum(len(stream.data) for stream in streams) - bits)
        <= 64 * len(streams) + 1e-3 * bits
    )


def test_stages_of_a_cascade_come_one_after_another(eagerly):
    stages = _stages("multidimensional", bits=8)
    pictures, compressor = _pictures(stages), Compressor(stages, workers=1)
    data = compressor.write(pictures, verify=False).data
    small, coarse = (_pixels(compressor.read(data, number)) for number in (1, 2))
    bits = stages[1].config.bits
    for picture, first, second in zip(pictures, small, coarse, strict=True):
        kept = picture.pixels >> (8 - bits) << (8 - bits)
        assert first == kept[::2, ::2].tolist() and second == kept.tolist()
    half = data[: -len(archive.read(data).streams[0].data) // 2]
    assert _pixels(compressor.read(half, 1)) == small
    with pytest.raises(ArchiveError, match=r"0\.png does not come back: .* damaged there"):
        list(compressor.read(half))


def test_the_program_counts_its_slices_and_verifies(eagerly):
    stages = _stages(bits=3)
    pictures, compressor, slices = _pictures(stages), Compressor(stages, workers=1), []
    data = compressor.write(pictures, on_slice=lambda: slices.append(1)).data
    assert len(slices) == compressor.slices_to_write(pictures) == 2 * 4
    list(compressor.read(data, on_slice=lambda: slices.append(1)))
    assert len(slices) == 8 + compressor.slices_to_read(data) == 12


def test_pictures_that_the_model_cannot_code_are_kept_as_files(eagerly):
    stages = _stages(bits=3)
    good = _pictures(stages)[0]
    colours = Picture(np.array([[[32, 64, 32]]], np.uint8), "c.webp", b"a file")
    low_bits = Picture(np.full([2, 2, 1], 77, np.uint8))
    compressor = Compressor(stages)
    compressed = compressor.write([colours, good, low_bits], verify=False)
    assert compressed.kept == [0, 2]
    first, second, third = compressor.read(compressed.data)
    assert first == ("c.webp", None, b"a file") and second.pixels.tolist() == good.pixels.tolist()
    assert third.as_pixels().tolist() == low_bits.pixels.tolist()


def test_few_bits_may_be_spread_over_all_intensities_as_in_png(eagerly):
    levels = np.arange(8, dtype=np.uint8).reshape(2, 4, 1)
    spread = Picture((levels * 255.0 / 7 + 0.5).astype(np.uint8))
    compressor = Compressor(_stages(bits=3))
    compressed = compressor.write([spread], verify=False)
    assert not compressed.kept and spread.pixels.max() == 255
    assert _pixels(compressor.read(compressed.data)) == _pixels([spread])


@pytest.mark.parametrize(("own", "models"), [(1, 3), (3, 1)])
def test_grey_pictures_keep_their_number_of_channels(own, models, eagerly):
    grey = Picture(_pictures(_stages())[1].pixels.repeat(own, axis=-1))
    compressor = Compressor(_stages(channels=models))
    compressed = compressor.write([grey], verify=False)
    assert not compressed.kept
    assert _pixels(compressor.read(compressed.data)) == _pixels([grey])


def test_a_flip_in_a_stream_is_found_at_its_picture_and_those_before_are_right(eagerly):
    stages = _stages(bits=3)
    pictures = _pictures(stages, [(4, 4)] * 12)
    compressor = Compressor(stages, workers=3)
    data = bytearray(compressor.write(pictures, verify=False).data)
    streams = archive.read(bytes(data)).streams
    assert len(streams) == 3
    data[-len(streams[2].data) - len(streams[1].data) // 2] ^= 16
    found = []
    with pytest.raises(
        ArchiveError, match=r"\.png|picture .* does not come back: .* damaged there"
    ):
        for picture in compressor.read(bytes(data)):
            found.append(picture)
    assert _pixels(found) == _pixels(pictures[:4])


def test_a_picture_that_does_not_come_back_is_kept(eagerly, monkeypatch):
    """As if the program rounded otherwise the second time."""
    stages = _stages(bits=3)
    pictures, compressor = _pictures(stages), Compressor(stages, workers=1)
    network, calls = stages[0].network, []
    embed = network.embed

    def unsteady(*arguments, **named):
        calls.append(1)
        return embed(*arguments, **named) * (1 if len(calls) <= 4 else 1.01)

    monkeypatch.setattr(network, "embed", unsteady)
    compressed = compressor.write(pictures)
    assert compressed.kept == [0, 1, 2]
    assert [p.as_pixels().tolist() for p in compressor.read(compressed.data)] == _pixels(pictures)


def test_other_machines_which_round_otherwise_read_the_same_pictures(eagerly, monkeypatch):
    """Within a margin that is large here, so that the boundaries between exponents must move."""
    monkeypatch.setattr(stage_coder, "_MARGIN", 0.002)
    stages = _stages(bits=3)
    pictures, compressor, shifts = _pictures(stages), Compressor(stages, workers=2), []
    write_shift = StreamWriter.write_shift
    monkeypatch.setattr(
        StreamWriter, "write_shift", lambda self, k: (shifts.append(k), write_shift(self, k))
    )
    data = compressor.write(pictures, verify=False, portable=True).data
    assert 0 < np.count_nonzero(shifts) < len(shifts) == 8
    rng = np.random.default_rng(0)

    def noisy(logits, *shift):
        noise = 0.499 * 0.002 / 256 * rng.uniform(-1, 1, logits.shape)
        return exponents(logits + noise, *shift)

    monkeypatch.setattr(coded_slice, "exponents", noisy)
    assert _pixels(compressor.read(data)) == _pixels(pictures)


def test_another_model_and_other_arithmetic_are_named(eagerly):
    stages = _stages(bits=3)
    compressor = Compressor(stages)
    data = compressor.write(_pictures(stages), verify=False).data
    with pytest.raises(ArchiveError, match="with another model"):
        list(Compressor(_stages(bits=3, seed=1)).read(data))
    content = archive.read(data)
    other = dataclasses.replace(content.arithmetic, tensorflow=(1, 2, 3))
    entry = dataclasses.replace(content.entries[0], check=b"\0\0\0\0")
    changed = dataclasses.replace(content, arithmetic=other, entries=[entry, *content.entries[1:]])
    with pytest.raises(
        ArchiveError, match=r"does not come back: .* written with TensorFlow 1\.2\.3"
    ):
        list(compressor.read(archive.write(changed)))


def test_compiled_programs_agree_with_themselves():
    stages = _stages(bits=2, channels=1)
    pictures, compressor = _pictures(stages, [(4, 4)] * 3), Compressor(stages)
    for portable in (False, True):
        compressed = compressor.write(pictures, portable=portable)
        assert not compressed.kept and bool(compressed.needs) != portable
        assert _pixels(compressor.read(compressed.data)) == _pixels(pictures)


def test_one_program_serves_all_slices_and_streams():
    """XLA compiles a program again for each value of an index that it wants as a constant."""
    (stage,) = _stages(bits=8, channels=3, **MIXTURE)
    coder, programs = StageCoder(stage.network), []
    code_slice = coder._compiled_code_slice

    def keep(*arguments):
        if len(programs) < 2:
            program = code_slice.experimental_get_compiler_ir(*arguments)(stage="hlo")
            programs.append(re.sub(r", metadata=\{.*\}|%[\w.-]+", "", program))  # not names
        return code_slice.python_function(*arguments)

    coder._compiled_code_slice = keep
    c, rng = stage.config, np.random.default_rng(0)
    target = rng.integers(0, c.levels, [2, c.height, c.width, c.channels])
    stream = StreamReader(rng.integers(0, 2**32, [40], np.uint32))
    coder.code(target, False, stream, 2, lambda *_: None)
    coder.code(target, True, stream, 1, lambda *_: None)
    assert programs[0] == programs[1]


def test_images_to_bytes_and_back_in_python(eagerly):
    model = SPNModel(_stages(bits=3, num_classes=2))
    images = [picture.pixels for picture in _pictures(model.stages)]
    data = model.compress(images)
    assert [image.tolist() for image in model.decompress(data)] == [i.tolist() for i in images]
    best = np.argmin(
        [[model.bits_per_dim(image[None], [k])[0] for k in (0, 1)] for image in images[:1]], axis=1
    )
    assert archive.read(data).entries[0].label == best[0]
    assert model.decompress(model.compress([])) == []
    with pytest.raises(ValueError, match="float64"):
        model.compress([np.zeros([2, 2, 1])])
