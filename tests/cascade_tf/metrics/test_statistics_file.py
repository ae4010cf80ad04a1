import types

import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.frechet import GaussianStatistics
from cascade_tf.metrics.statistics_file import load_statistics, save_statistics

SIZE = 3
SPACE = types.SimpleNamespace(name="three", size=SIZE, resizer="none", checksum="12ab")


def _statistics(count=7):
    covariance = np.diag([1.0, 2.0, 3.0])
    return GaussianStatistics(np.arange(SIZE) / 7, covariance, count)


def _arrays(**changes):
    return {"mu": np.zeros(SIZE), "sigma": np.eye(SIZE), **changes}


@pytest.mark.parametrize("count", [7, None])
def test_saved_statistics_are_loaded(tmp_path, count):
    path = tmp_path / "statistics.npz"
    saved = _statistics(count)
    save_statistics(path, saved, SPACE)
    loaded = load_statistics(path, SPACE)
    np.testing.assert_array_equal(loaded.mean, saved.mean)
    np.testing.assert_array_equal(loaded.covariance, saved.covariance)
    assert loaded.count == count
    assert list(tmp_path.iterdir()) == [path]


def test_a_published_file_with_only_mu_and_sigma_is_loaded(tmp_path):
    path = tmp_path / "published.npz"
    np.savez(path, **_arrays(mu=np.ones(SIZE, np.float32)), arr_0=np.zeros([2, 2]))
    loaded = load_statistics(path, SPACE)
    assert loaded.mean.dtype == loaded.covariance.dtype == np.float64
    assert loaded.count is None and loaded.caution is None


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
    ],
)
def test_other_contents_are_refused_in_one_line(tmp_path, arrays, message):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=message) as error:
        load_statistics(path, SPACE)
    assert "\n" not in str(error.value)


def test_other_files_are_refused(tmp_path):
    for name, content in {
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
