import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError, UserError
from cascade_tf.saved_model import export


def _export(directory, factor):
    layer = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor)
    )
    layer.build([None, 2])
    spec = [tf.TensorSpec([None, 2], tf.float32, "x")]
    endpoints = {
        "times": (lambda x: {"y": layer(x)}, spec),
        "plus": (lambda x: {"y": layer(x) + 1}, spec),
    }
    export(directory, [layer], endpoints)


def _times(directory, x):
    loaded = tf.saved_model.load(str(directory))
    return loaded.times(x=tf.constant(x))["y"].numpy()


def test_endpoints_are_callable_and_signatures(tmp_path):
    _export(tmp_path / "model", 2.0)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    x = tf.constant([[1.0, 2.0]])
    np.testing.assert_allclose(loaded.times(x)["y"], [[6.0]])
    np.testing.assert_allclose(loaded.plus(x)["y"], [[7.0]])
    assert {"times", "plus"} <= set(loaded.signatures)
    np.testing.assert_allclose(loaded.signatures["plus"](x=x)["y"], [[7.0]])


def test_a_saved_model_or_an_empty_directory_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    for factor in (2.0, 3.0):
        _export(tmp_path / "model", factor)
        np.testing.assert_allclose(_times(tmp_path / "model", [[1.0, 1.0]]), [[2 * factor]])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_something_else_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("all of it")
    (tmp_path / "file").write_text("some of it")
    for name in ("folder", "file"):
        with pytest.raises(UserError, match=f"{name} exists and is no SavedModel"):
            _export(tmp_path / name, 2.0)
    assert (tmp_path / "folder" / "thesis.tex").read_text() == "all of it"
    assert (tmp_path / "file").read_text() == "some of it"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failed_export_keeps_the_old_model(tmp_path):
    _export(tmp_path / "model", 2.0)

    def broken(x):
        raise ValueError("cannot be traced")

    layer = keras.layers.Dense(1)
    layer.build([None, 2])
    spec = [tf.TensorSpec([None, 2], tf.float32, "x")]
    with pytest.raises(ValueError, match="cannot be traced"):
        export(tmp_path / "model", [layer], {"broken": (broken, spec)})
    np.testing.assert_allclose(_times(tmp_path / "model", [[1.0, 1.0]]), [[4.0]])


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A loaded model whose functions return their arguments; TensorFlow would convert these."""
    layer = keras.layers.Dense(1)
    layer.build([None, 1])
    images = tf.TensorSpec([None, 2, 2, 1], tf.uint8, "images")
    latents = tf.TensorSpec([None, 2, 2, 1], tf.float32, "latents")
    classes = tf.TensorSpec([None], tf.int32, "classes")
    seed = tf.TensorSpec([], tf.int32, "seed")
    temperature = tf.TensorSpec(None, tf.float32, "temperature")
    endpoints = {
        "of_images": (lambda images, seed: {"y": images, "seed": seed}, [images, seed]),
        "of_latents": (lambda latents: {"y": latents}, [latents]),
        "of_numbers": (
            lambda classes, seed, temperature: {"y": classes, "seed": seed, "t": temperature},
            [classes, seed, temperature],
        ),
    }
    directory = tmp_path_factory.mktemp("strict") / "model"
    export(directory, [layer], endpoints)
    return tf.saved_model.load(str(directory))


PIXELS = np.uint8([[[[0], [1]], [[254], [255]]]])


@pytest.mark.parametrize("images", [PIXELS, tf.constant(PIXELS), PIXELS.tolist(), PIXELS[:0]])
@pytest.mark.parametrize("seed", [-7, np.int64(-7), tf.constant(-7)])
def test_images_and_numbers_arrive_as_they_are(strict, images, seed):
    results = strict.of_images(images=images, seed=seed)
    np.testing.assert_array_equal(results["y"], np.reshape(images, [-1, 2, 2, 1]))
    assert results["y"].dtype == tf.uint8 and int(results["seed"]) == -7


@pytest.mark.parametrize(
    "images",
    [
        PIXELS / 255,
        np.float32(PIXELS),
        tf.constant(PIXELS / 255, tf.float32),
        PIXELS > 0,
        np.int64(PIXELS),
        (PIXELS / 255).tolist(),
        (np.int32(PIXELS) + 1).tolist(),
        (np.int32(PIXELS) - 1).tolist(),
        PIXELS[0],
        PIXELS[:, :1],
        np.repeat(PIXELS, 3, axis=-1),
    ],
)
def test_other_images_are_refused(strict, images):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        strict.of_images(images, 0)


@pytest.mark.parametrize("seed", [2**32 + 7, np.int64(2**31), -(2**31) - 1, 1.5, np.float64(7.5)])
def test_seeds_that_would_be_cut_off_are_refused(strict, seed):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        strict.of_images(PIXELS, seed)
    with pytest.raises(tf.errors.InvalidArgumentError, match="seed must be whole, and from -2147"):
        strict.of_numbers([0], seed, 1.0)


def test_functions_of_numbers_take_all_types_and_sizes_of_them(strict):
    for classes in ([3, 1], np.int64([3, 1]), np.uint8([3, 1]), []):
        for seed, t in ((2**31 - 1, 0.1), (np.int32(5), np.float64(0.1)), (-5, [0.5, 2])):
            results = strict.of_numbers(classes=classes, seed=seed, temperature=t)
            np.testing.assert_array_equal(results["y"], classes)
            assert int(results["seed"]) == seed
            np.testing.assert_array_equal(results["t"], np.float32(t))
    with pytest.raises(tf.errors.InvalidArgumentError, match="classes must be whole"):
        strict.of_numbers([0.5], 0, 1.0)


def test_latents_are_floats(strict):
    for latents in (np.float32(PIXELS), PIXELS / 2, (PIXELS / 2).tolist()):
        np.testing.assert_array_equal(strict.of_latents(latents)["y"], latents)
    with pytest.raises(ValueError):
        strict.of_latents(PIXELS)


def test_signatures_are_those_of_the_endpoints(strict):
    specs = strict.signatures["of_numbers"].structured_input_signature[1]
    assert specs["seed"].dtype == tf.int32 and specs["temperature"].dtype == tf.float32
    assert "serving_default" in strict.signatures


def test_a_path_that_tensorflow_could_not_load_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"a \[1\]/model: use a path without"):
        _export(tmp_path / "a [1]" / "model", 2.0)
    assert not list(tmp_path.iterdir())
