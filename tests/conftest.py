"""All tests see two CPU devices, so that two replicas can be compared with one."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Programs run for moments here: XLA need not make them fast, and compiles a fifth sooner with its
# older emitters. XLA_FLAGS of your own, even none, take the place of these.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false",
)

import keras
import pytest
import tensorflow as tf

# Nor need graphs be, which run for moments, too.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


# Begun first, so that no worker is left with one of them in the end.
_LONG_FILES = (
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
    """Leaves out helpers, scripts among them, which `--doctest-modules` would import."""
    helper = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return True if helper else None


def pytest_collection_modifyitems(items):
    ranks = {name: rank for rank, name in enumerate(_LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture
def eagerly():
    """Tracing takes longer than a few small steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True)
def _seeded():
    """Weights without a seed of their own are the same in every run, in any order of tests."""
    keras.utils.set_random_seed(0)
