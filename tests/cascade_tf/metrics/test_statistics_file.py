import dataclasses
import types

import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.frechet import GaussianStatistics
from cascade_tf.metrics.statistics_file import ImageOrigin, load_statistics, save_statistics

SIZE = 3
SPACE = types.SimpleNamespace(name="three", size=SIZE, resizer="none", checksum="12ab")
ORIGIN = ImageOrigin("16x16", channels=3, dataset="digits", split="test")


def _statistics(count=7):
    covariance = np.diag([1.0, 2.0, 3.0])
    return GaussianStatistics(np.arange(SIZE) / 7, covariance, count)


def _silent_of(gaps):
    return f"does not say its {gaps}: they may differ from yours"


def _arrays(**changes):
    return {"mu": np.zeros(SIZE), "sigma": np.eye(SIZE), **changes}


@pytest.mark.parametrize("count", [7, None])
def test_saved_statistics_are_loaded(tmp_path, count):
    path = tmp_path / "statistics.npz"
    saved = _statistics(count)
    save_statistics(path, saved, SPACE, ORIGIN)
    loaded = load_statistics(path, SPACE, ORIGIN)
    np.testing.assert_array_equal(loaded.mean, saved.mean)
    np.testing.assert_array_equal(loaded.covariance, saved.covariance)
    assert loaded.count == count
    assert loaded.remarks == (() if count else (f"{path} {_silent_of('number of images')}",))
    assert list(tmp_path.iterdir()) == [path]


def test_a_published_file_with_only_mu_and_sigma_is_loaded(tmp_path):
    path = tmp_path / "published.npz"
    np.savez(path, **_arrays(mu=np.ones(SIZE, np.float32)), arr_0=np.zeros([2, 2]))
    loaded = load_statistics(path, SPACE)
    assert loaded.mean.dtype == loaded.covariance.dtype == np.float64
    assert loaded.count is None
    assert loaded.caution == f"{path} " + _silent_of(
        "number of images, feature space, resizer, checksum of weights, image size, channels, "
        "dataset, split"
    )


def test_a_file_that_does_not_say_its_images_is_loaded_with_a_caution(tmp_path):
    path = tmp_path / "older.npz"
    save_statistics(path, _statistics(2), SPACE)
    silent, few = load_statistics(path, SPACE, ORIGIN).caution.split("; ")
    assert silent == f"{path} " + _silent_of("image size, channels, dataset, split")
    assert few.startswith("2 images do not determine the covariance of 3 features")
    save_statistics(path, _statistics(), SPACE, dataclasses.replace(ORIGIN, split=None))
    assert load_statistics(path, SPACE).caution == f"{path} " + _silent_of("split")


def test_images_of_another_size_are_refused_those_of_another_split_have_a_caution(tmp_path):
    path = tmp_path / "statistics.npz"
    save_statistics(path, _statistics(), SPACE, ORIGIN)
    for change, message in {
        ("image_size", "32x32"): "of other images: image_size=16x16, not 32x32",
        ("channels", 1): "of other images: channels=3, not 1",
    }.items():
        with pytest.raises(UserError, match=message):
            load_statistics(path, SPACE, dataclasses.replace(ORIGIN, **dict([change])))
    other = dataclasses.replace(ORIGIN, dataset="photos", split="train")
    assert load_statistics(path, SPACE, other).remarks == (
        f"{path} is of other images: dataset=digits, not photos",
        f"{path} is of other images: split=test, not train",
    )
    assert load_statistics(path, SPACE).caution is None


@pytest.mark.parametrize("key", ["name", "resizer", "checksum"])
def test_another_feature_space_is_refused(tmp_path, key):
    path = tmp_path / "statistics.npz"
    save_statistics(path, _statistics(), SPACE)
    other = types.SimpleNamespace(**{**vars(SPACE), key: "other"})
    recorded = getattr(SPACE, key)
    with pytest.raises(UserError, match=f"its {key} is {recorded}, not other"):
        load_statistics(path, other)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"mu": np.zeros(SIZE), "cov": np.eye(SIZE)}, "it holds no sigma"),
        ({"x": np.zeros(2)}, "it holds no mu and no sigma"),
        (_arrays(mu=np.zeros([1, SIZE])), r"has mu \[1, 3\] and sigma \[3, 3\]"),
        (_arrays(sigma=np.eye(4)), r"\[3\] and \[3, 3\] are needed"),
        (_arrays(mu=np.zeros(2048), sigma=np.eye(2048)[:, :2]), r"has mu \[2048\]"),
        (_arrays(mu=np.full(SIZE, np.nan)), "values that are not finite"),
        (_arrays(sigma=np.full([SIZE, SIZE], "x")), "values that are not finite"),
        (_arrays(mu=np.array([None] * SIZE)), "is no .npz file of statistics"),
        (_arrays(sigma=np.eye(SIZE) + 0j), "no real numbers"),
        (_arrays(sigma=np.eye(SIZE) + np.diag([0.1, 0], 1)), "sigma is not symmetric"),
        (_arrays(sigma=-10 * np.eye(SIZE)), "its sigma has the negative eigenvalue -10"),
        (_arrays(sigma=np.diag([1, 2, -1e-4])), "the negative eigenvalue -0.0001"),
        (_arrays(sigma=np.ones([SIZE, SIZE]) - np.eye(SIZE)), "the negative eigenvalue -1"),
        (_arrays(count="many"), "has count=many: a number of images, 2 or more, is needed"),
        (_arrays(count=-5), "has count=-5: a number"),
        (_arrays(count=1), "has count=1: a number"),
        (_arrays(count=7.5), "has count=7.5: a number"),
        (_arrays(count=np.nan), "has count=nan: a number"),
        (_arrays(count=np.inf), "has count=inf: a number"),
        (_arrays(count=True), "has count=True: a number"),
        (_arrays(count=[7, 7]), r"has count=an array \[2\]: a number"),
    ],
)
def test_other_contents_are_refused_in_one_line(tmp_path, arrays, message):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=message) as error:
        load_statistics(path, SPACE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [7.0, np.float32(7), np.uint8(7)])
def test_a_count_of_another_type_is_a_whole_number(tmp_path, count):
    np.savez(tmp_path / "count.npz", **_arrays(count=count))
    loaded = load_statistics(tmp_path / "count.npz", SPACE).count
    assert loaded == 7 and type(loaded) is int


def test_a_covariance_of_few_images_in_float32_is_loaded(tmp_path):
    """It is singular: by rounding, half of its smallest eigenvalues are negative."""
    features = np.random.default_rng(0).standard_normal([40, 200]).astype(np.float32)
    features -= features.mean(axis=0)
    sigma = features.T @ features / np.float32(39)
    sigma[0, 1] *= 1 + 1e-6
    assert np.linalg.eigvalsh(sigma.astype(np.float64))[0] < -1e-8
    np.savez(tmp_path / "few.npz", mu=np.zeros(200, np.float32), sigma=sigma)
    space = types.SimpleNamespace(**{**vars(SPACE), "size": 200})
    assert load_statistics(tmp_path / "few.npz", space).covariance.dtype == np.float64


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "encrypted", **_arrays())
    encrypted = bytearray((tmp_path / "encrypted.npz").read_bytes())
    for i in range(len(encrypted)):
        if encrypted.startswith(b"PK\1\2", i):
            encrypted[i + 8] |= 1  # the flag of an entry in the directory
    for name, content in {
        "encrypted": bytes(encrypted),
        "text": b"mu sigma",
        "empty": b"",
        "cut": b"PK\x03\x04 and so on",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name} is no .npz file of statistics"):
            load_statistics(tmp_path / name, SPACE)
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"is no .npz file of statistics"):
        load_statistics(tmp_path / "one.npy", SPACE)
    with pytest.raises(UserError, match=r"cannot read .*missing"):
        load_statistics(tmp_path / "missing", SPACE)


def test_a_path_that_cannot_be_written_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match=r"cannot write .*nowhere"):
        save_statistics(tmp_path / "nowhere" / "file.npz", _statistics(), SPACE)
