"""The layers: static shapes, and saving and loading of models that contain them."""

import keras
import numpy as np
import pytest
import pywt

from wavelet_tf.transform import DWT2, IDWT2, Packet2, Unpacket2

IMAGES = np.random.default_rng(0).standard_normal((2, 8, 16, 3)).astype(np.float32)
LAYERS = [
    (DWT2(), (None, None, None, 3), (None, None, None, 12)),
    (DWT2("haar"), (2, 8, 16, 3), (2, 4, 8, 12)),
    (IDWT2(), (None, None, None, 12), (None, None, None, 3)),
    (IDWT2("haar"), (2, 4, 8, 12), (2, 8, 16, 3)),
    (Packet2(2), (2, 8, 16, 3), (2, 2, 4, 48)),
    (Unpacket2(8), (None, 2, 4, 48), (None, 8, 16, 3)),
]


@pytest.mark.parametrize("layer, shape, expected", LAYERS)
def test_output_shapes_are_known_without_data(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected
    assert layer(keras.Input(shape[1:])).shape == (None, *expected[1:])
    if None not in shape:
        assert layer(np.zeros(shape, np.float32)).shape == expected


def test_shapes_that_do_not_divide_are_named():
    for layer, shape in ((DWT2(), (1, 5, 4, 1)), (IDWT2(), (1, 4, 4, 6))):
        with pytest.raises(ValueError, match=r"an axis of [56] is not divisible by [24]"):
            layer.compute_output_shape(shape)
    with pytest.raises(ValueError, match="packets need known sides, got None x 8"):
        Packet2(2).compute_output_shape((None, None, 8, 1))


def test_a_saved_model_is_loaded_without_custom_objects(tmp_path):
    model = keras.Sequential(
        [
            keras.Input([None, 16, 3]),
            DWT2("db2"),
            keras.layers.Conv2D(12, 1),
            IDWT2("db2", "zero"),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))


def test_layers_work_inside_time_distributed(tmp_path):
    frames = keras.Input([2, 8, 16, 3])
    packets = keras.layers.TimeDistributed(Packet2(2, "haar"))(frames)
    model = keras.Model(frames, keras.layers.TimeDistributed(Unpacket2(8, "haar"))(packets))
    assert packets.shape == (None, 2, 2, 4, 48)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IMAGES[None]), IMAGES[None], atol=1e-5)


def test_a_model_of_videos_with_filters_of_its_own_is_saved(tmp_path):
    bank = pywt.Wavelet("mine", filter_bank=pywt.Wavelet("db2").filter_bank)
    frames = keras.Input([2, None, None, 3])
    bands = keras.layers.TimeDistributed(DWT2(bank))(frames)
    model = keras.Model(frames, keras.layers.TimeDistributed(IDWT2(bank))(bands))
    assert bands.shape == (None, 2, None, None, 12)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IMAGES[None]), IMAGES[None], atol=1e-5)
    assert DWT2(pywt.Wavelet("haar")).get_config()["wavelet"] == "haar"


def test_a_configuration_has_the_resolved_mode():
    assert DWT2("haar").get_config()["mode"] == "periodization"
    again = Packet2.from_config(Packet2(4, "bior4.4").get_config())
    assert (again.size, again.wavelet, again.mode) == (4, "bior4.4", "reflect")
