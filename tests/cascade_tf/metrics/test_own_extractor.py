import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import UserError
from cascade_tf.metrics import compare_images, load_extractor

IMAGES = np.random.default_rng(0).integers(0, 256, [37, 16, 16, 3], dtype=np.uint8)


def _saved(path, function, *specs):
    module = tf.Module()
    module.f = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(path), signatures=module.f)
    return path


def _images(*shape, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype, "pictures")


def _means(images):
    return {"features": tf.reduce_mean(images, axis=[1, 2])}


@pytest.mark.parametrize("batch", [None, 5])
def test_a_saved_model_extracts_features_of_unit_images(batch, tmp_path):
    path = _saved(tmp_path / "small-net.v2", _means, _images(batch, None, None, 3))
    extractor = load_extractor(path)
    assert extractor.size == 3 and extractor.resizer == "none" and len(extractor.checksum) == 64
    np.testing.assert_allclose(extractor(IMAGES), IMAGES.mean(axis=(1, 2)) / 255, rtol=1e-5)
    assert extractor(IMAGES[:0]).shape == (0, 3)
    figures = compare_images(IMAGES[:20], IMAGES[20:], weights=extractor).figures
    assert {"small_net_frechet_distance", "small_net_density"} <= figures.keys()


def test_a_name_of_built_in_features_is_refused(tmp_path):
    with pytest.raises(UserError, match="inception would name figures as the built-in features"):
        load_extractor(_saved(tmp_path / "inception", _means, _images(None, None, None, 3)))


def test_images_are_resized_and_grey_is_repeated(tmp_path):
    def ranges(images):
        return {"x": tf.stack([tf.reduce_min(images, [1, 2, 3]), tf.reduce_max(images, [1, 2, 3])])}

    spec = _images(None, 8, 8, 3, dtype=tf.uint8)
    path = _saved(tmp_path / "r", lambda x: {"x": tf.transpose(ranges(x)["x"])}, spec)
    flat = np.full([2, 16, 16, 1], 77, np.uint8)
    assert load_extractor(path)(flat).tolist() == [[77, 77], [77, 77]]


def test_a_program_of_jax_equals_the_same_function_here(tmp_path):
    jax = pytest.importorskip("jax")
    from jax import export
    from jax import numpy as jnp

    shape = jax.ShapeDtypeStruct(export.symbolic_shape("n, 16, 16, 3"), "float32")
    program = export.export(jax.jit(lambda x: jnp.mean(x, axis=(1, 2))))(shape)
    (tmp_path / "mean.jax").write_bytes(program.serialize())
    extractor = load_extractor(tmp_path / "mean.jax")
    assert extractor.name == "mean"
    np.testing.assert_allclose(extractor(IMAGES), IMAGES.mean(axis=(1, 2)) / 255, rtol=1e-5)
    (tmp_path / "mean.jax").write_bytes(b"no program")
    with pytest.raises(UserError, match=r"neither a SavedModel nor a file of jax\.export"):
        load_extractor(tmp_path / "mean.jax")


@pytest.mark.parametrize(
    ("function", "specs", "message"),
    [
        (_means, [_images(None, None, None, 1)], r"takes float32 \[None, None, None, 1\]"),
        (_means, [_images(None, 8, None, 3)], "both sides must be fixed, or neither"),
        (lambda x, y: _means(x), [_images(None, 8, 8, 3), _images(1)], "has 2 inputs"),
        (lambda x: {"f": x}, [_images(None, 8, 8, 3)], r"returns \[1, 8, 8, 3\] for images \[1, 8"),
        (lambda x: {"f": x[:, 0, 0, :0]}, [_images(None, 8, 8, 3)], r"returns \[1, 0\] for"),
        (
            lambda x: {"f": tf.cast(x[:, 0, 0], tf.complex64)},
            [_images(None, 8, 8, 3)],
            "features are complex64",
        ),
    ],
)
def test_other_functions_are_refused(function, specs, message, tmp_path):
    if len(specs) == 2:
        specs[1] = tf.TensorSpec([1], tf.float32, "others")
    with pytest.raises(UserError, match=message):
        load_extractor(_saved(tmp_path / "m", function, *specs))


@pytest.mark.parametrize(
    "function", [lambda x: {"f": x[:1, 0, 0]}, lambda x: {"f": tf.reduce_mean(x, [2, 3])}]
)
def test_features_that_depend_on_other_images_or_on_sizes_are_refused(function, tmp_path):
    extractor = load_extractor(_saved(tmp_path / "m", function, _images(None, None, None, 3)))
    with pytest.raises(UserError, match=r"m returns \[.*\] for images \[32, 16, 16, 3\]"):
        extractor(IMAGES)


def test_paths_without_a_network_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*: No such file"):
        load_extractor(tmp_path / "none")
    with pytest.raises(UserError, match="is no SavedModel that TensorFlow loads"):
        load_extractor(tmp_path)
