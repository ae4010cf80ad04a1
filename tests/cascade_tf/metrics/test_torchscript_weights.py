import io
import zipfile

import numpy as np
import pytest

from cascade_tf.metrics.torchscript_weights import torchscript_arrays


def archive(arrays, others=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        for name, array in arrays.items():
            content.writestr(f"net/data/{name}", array.astype("<f4").tobytes())
        for name in others:
            content.writestr(name, b"not to be read")
    return file


def test_arrays_are_in_the_order_of_their_numbers():
    arrays = {i: np.full(i + 1, i / 7, np.float32) for i in (10, 2, 0, 1, *range(3, 10))}
    others = ["net/data.pkl", "net/code/data/0.py", "net/version"]
    weights = torchscript_arrays(archive(arrays, others))
    assert len(weights) == 11
    for i, array in enumerate(weights):
        np.testing.assert_array_equal(array, arrays[i])


def test_files_that_are_not_complete_archives_are_refused():
    with pytest.raises(ValueError, match="no whole archive"):
        torchscript_arrays(io.BytesIO(b"text"))
    with pytest.raises(ValueError, match="no whole archive"):
        torchscript_arrays(archive({0: np.zeros(2), 2: np.zeros(2)}))
    damaged = bytearray(archive({0: np.arange(100)}).getvalue())
    damaged[200] ^= 1
    with pytest.raises(ValueError, match="no whole archive"):
        torchscript_arrays(io.BytesIO(damaged))
