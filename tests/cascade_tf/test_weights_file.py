import keras
import numpy as np
import pytest
import safetensors.numpy
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.weights_file import read_weights, write_weights


def _networks(units: int = 3, statistics: bool = False) -> dict[str, keras.Layer]:
    """A network whose layers have names, with random weights."""
    layers = [keras.layers.Dense(units, name="inner")]
    layers += [keras.layers.BatchNormalization(name="norm")] if statistics else []
    network = keras.Sequential(layers, name="whole")
    network.build([None, 2])
    rng = np.random.default_rng(units)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape))
    return {"network": network}


@pytest.fixture
def path(tmp_path) -> epath.Path:
    path = epath.Path(tmp_path) / "weights.safetensors"
    write_weights(path, _networks(), step=7)
    return path


def test_weights_are_read_as_they_were_written_but_for_float16(tmp_path):
    path = epath.Path(tmp_path) / "weights"
    (written,), (read,) = _networks(statistics=True).values(), _networks(statistics=True).values()
    for weight in read.weights:
        weight.assign(np.zeros(weight.shape))
    write_weights(path, {"network": written}, step=12)
    assert read_weights(path, {"network": read}) == 12
    for before, after in zip(written.weights, read.weights, strict=True):
        assert after.dtype == "float32" and len(np.unique(before)) > 1
        np.testing.assert_array_equal(after, np.float16(before))
        np.testing.assert_allclose(after, before, rtol=2**-11)


def test_any_reader_of_safetensors_finds_readable_names(path):
    arrays = safetensors.numpy.load_file(path)
    shapes = {name: (array.shape, array.dtype.name) for name, array in arrays.items()}
    assert shapes == {
        "network/inner/kernel": ((2, 3), "float16"),
        "network/inner/bias": ((3,), "float16"),
    }


def test_every_damaged_byte_is_noticed(path):
    whole, networks = path.read_bytes(), _networks()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"weights\.safetensors (is damaged|does not fit)"):
            read_weights(path, networks)
    for data in (
        b"",
        whole[:-1],
        whole[: len(whole) // 2],
        whole + b"0",
        b"version https://git-lfs",
    ):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"weights\.safetensors is damaged"):
            read_weights(path, networks)


def test_files_of_other_programs_are_refused(path):
    safetensors.numpy.save_file({"network/inner/kernel": np.zeros([2, 3], np.float16)}, path)
    with pytest.raises(UserError, match="damaged, or not written by `cascade-tf export`"):
        read_weights(path, _networks())


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (lambda: _networks(4), r"inner/bias has the shape \(3,\), not \(4,\)"),
        (lambda: _networks(3, True), r"norm/beta has the shape of no weight, not \(3,\)"),
        (dict, r"inner/bias has the shape \(3,\), not any"),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(path, networks, message):
    networks = networks()
    before = [weight.numpy() for each in networks.values() for weight in each.weights]
    with pytest.raises(UserError, match=rf"does not fit the network that flags.txt .*{message}"):
        read_weights(path, networks)
    after = [weight.numpy() for each in networks.values() for weight in each.weights]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("value", [70000.0, np.inf, np.nan])
def test_a_weight_beyond_float16_is_refused_and_nothing_is_written(tmp_path, value):
    networks = _networks()
    networks["network"].weights[1].assign([0, value, 0])
    with pytest.raises(UserError, match=r"inner/bias has the value .* float16 ends at 65504"):
        write_weights(epath.Path(tmp_path) / "weights", networks, step=0)
    assert not list(tmp_path.iterdir())
