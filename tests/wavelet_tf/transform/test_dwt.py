"""The 2-D transform: PyWavelets, inverses, gradients, XLA, tf.data, dtypes and errors."""

import warnings

import numpy as np
import pytest
import pywt
import tensorflow as tf

from wavelet_tf.transform import DWT2, IDWT2, Bands, dwt, dwt2, idwt2, wavedec2, waverec2


def _images(height=8, width=12, dtype=np.float64):
    return np.random.default_rng(0).standard_normal((2, height, width, 3)).astype(dtype)


def _expected(images, wavelet, mode="periodization"):
    """Returns TL, TR, BL, BR of PyWavelets."""
    tl, (tr, bl, br) = pywt.dwt2(images, wavelet, mode, axes=(1, 2))
    return tl, tr, bl, br


@pytest.mark.parametrize("wavelet", ["haar", "bior2.2", "bior3.1", "db5", "rbio1.3"])
@pytest.mark.parametrize("size", [(2, 2), (2, 6), (8, 12)])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
def test_periodization_equals_pywavelets(wavelet, size, dtype, tolerance):
    images = _images(*size).astype(dtype)
    bands = dwt2(images, wavelet, "periodization")
    for band, expected in zip(bands, _expected(images, wavelet), strict=True):
        assert band.dtype == dtype
        np.testing.assert_allclose(band, expected, rtol=0, atol=tolerance)
    back = idwt2(bands, wavelet, "periodization")
    np.testing.assert_allclose(back, images, rtol=0, atol=tolerance)


def test_two_levels_of_wavelets_of_all_families_equal_pywavelets():
    images = _images(8, 4)
    tf.config.run_functions_eagerly(True)  # compiling hundreds of programs would take minutes
    try:
        for wavelet in pywt.wavelist(kind="discrete")[::4]:
            tl, details = wavedec2(images, 2, wavelet, "periodization")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the image is small for its level
                expected = pywt.wavedec2(images, wavelet, "periodization", 2, axes=(1, 2))
            np.testing.assert_allclose(tl, expected[0], atol=1e-12, err_msg=wavelet)
            for ours, theirs in zip(details, expected[1:], strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-12, err_msg=wavelet)
    finally:
        tf.config.run_functions_eagerly(False)


def test_several_levels_equal_pywavelets():
    images = _images(32, 24)
    tl, details = wavedec2(images, 2, "db2", "periodization")
    expected = pywt.wavedec2(images, "db2", "periodization", level=2, axes=(1, 2))
    np.testing.assert_allclose(tl, expected[0], atol=1e-12)
    for ours, theirs in zip(details, expected[1:], strict=True):
        for band, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(band, other, atol=1e-12)
    np.testing.assert_allclose(waverec2(tl, details, "db2", "periodization"), images, atol=1e-12)


# LeGall's 5/3 filters, with a gain of one.
LEGALL = (
    [0, -0.125, 0.25, 0.75, 0.25, -0.125],
    [0, -0.5, 1, -0.5, 0, 0],
    [0, 0.5, 1, 0.5, 0, 0],
    [0, -0.125, -0.25, 0.75, -0.25, -0.125],
)


@pytest.mark.parametrize("bank", [LEGALL, pywt.Wavelet("db2").filter_bank])
def test_objects_and_filter_banks_equal_pywavelets(bank, eagerly):
    images, wavelet = _images(), pywt.Wavelet("mine", filter_bank=bank)
    for given in (wavelet, bank, np.array(bank)):
        bands = dwt2(images, given, "periodization")
        for band, expected in zip(bands, _expected(images, wavelet), strict=True):
            np.testing.assert_allclose(band, expected, atol=1e-12)
        back = waverec2(*wavedec2(images, 1, given), given)  # LeGall's in mode reflect
        np.testing.assert_allclose(back, images, atol=1e-12)


def test_filters_at_any_offset_are_inverted_in_the_default_mode(eagerly):
    images, (dec_lo, dec_hi, rec_lo, rec_hi) = _images(), LEGALL
    for before, after in ((1, 1), (2, 0), (0, 2)):
        first, last = [0] * before, [0] * after
        bank = [first + taps + last for taps in (dec_lo, dec_hi)]
        bank += [last + taps + first for taps in (rec_lo, rec_hi)]
        np.testing.assert_allclose(idwt2(dwt2(images, bank), bank), images, atol=1e-12)
    lazy = ([0, 1], [1, 0], [1, 0], [0, 1])  # even and odd pixels
    np.testing.assert_allclose(idwt2(dwt2(images, lazy), lazy), images, atol=1e-12)


def test_none_stands_for_a_band_of_zeros_as_in_pywavelets(eagerly):
    images = _images()
    tl, tr, _, _ = dwt2(images, "db2")
    for bands in ((tl, None, None, None), (None, tr, None, None)):
        expected = pywt.idwt2((bands[0], bands[1:]), "db2", "periodization", axes=(1, 2))
        np.testing.assert_allclose(idwt2(bands, "db2"), expected, atol=1e-12)
    levels = [(None, None, None), (None, dwt2(_images(16, 24)).tr, None)]
    expected = pywt.waverec2([tl, *levels], "db2", "periodization", axes=(1, 2))
    np.testing.assert_allclose(waverec2(tl, levels, "db2"), expected, atol=1e-12)
    with pytest.raises(ValueError, match="bands: all are None"):
        idwt2((None, None, None, None))


def test_eager_calls_of_all_sizes_and_wavelets_run_one_program_of_each_wavelet(caplog):
    dwt._program.cache_clear()
    for side in range(2, 14, 2):
        bands = dwt2(np.ones([1, side, 4, 1], np.float32), "haar")
        idwt2(bands, "haar")
    assert dwt._program.cache_info().misses == 2
    wavedec2(np.ones([1, 64, 64, 1], np.float32), 6, pywt.Wavelet("haar"))
    assert dwt._program.cache_info().misses == 2
    for wavelet in ("db2", "db3", "db4", "db5", "db6"):
        dwt2(np.ones([1, 4, 4, 1], np.float32), wavelet)
    assert "retracing" not in caplog.text


def test_zero_levels_return_the_image():
    tl, details = wavedec2(_images(), 0)
    assert not details
    np.testing.assert_array_equal(waverec2(tl, details), _images())


def test_reflect_equals_pywavelets_reflect_without_its_margins():
    images = _images()
    for band, expected in zip(dwt2(images), _expected(images, "bior2.2", "reflect"), strict=True):
        np.testing.assert_allclose(band, expected[:, 1:-1, 1:-1], atol=1e-13)


def test_reflect_and_periodization_have_a_dc_gain_of_two():
    for mode in ("reflect", "periodization"):
        bands = dwt2(np.full([1, 4, 4, 1], 0.5), mode=mode)
        np.testing.assert_allclose(bands.tl, 1.0, atol=1e-14)
        np.testing.assert_allclose(np.stack(bands[1:]), 0.0, atol=1e-14)


def test_zero_mode_is_the_authors_transform_and_inexact_only_at_the_borders():
    # The authors pad two zeros on each side, stride two; the inverse of grey 0.5 is off by 0.117.
    image = np.full([1, 16, 16, 1], 0.5)
    bands = dwt2(image, mode="zero")
    window = np.pad(image, [(0, 0), (2, 2), (2, 2), (0, 0)])
    low = np.array(pywt.Wavelet("bior2.2").dec_lo)[::-1]
    first = np.einsum("ij,i,j->", window[0, 0:6, 0:6, 0], low, low)
    np.testing.assert_allclose(bands.tl[0, 0, 0, 0], first, atol=1e-14)
    error = np.abs(idwt2(bands, mode="zero") - image)[0, :, :, 0]
    assert error.max() == pytest.approx(0.117, abs=5e-4)
    assert error[4:-4, 4:-4].max() < 1e-14


@pytest.mark.parametrize("mode", ["reflect", "periodization", "zero"])
def test_gradients_are_the_adjoint(mode):
    images, noise = tf.constant(_images()), np.random.default_rng(1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        bands = dwt2(images, mode=mode)
        weights = [noise.standard_normal(band.shape) for band in bands]
        product = tf.add_n([tf.reduce_sum(w * b) for w, b in zip(weights, bands, strict=True)])
    # The transform is linear: <w, T x> = <T* w, x>, and T* is the gradient of the left side.
    gradient = tape.gradient(product, images)
    np.testing.assert_allclose(tf.reduce_sum(gradient * images), product, rtol=1e-10)
    other = tf.constant(_images() ** 2)
    again = [tf.reduce_sum(w * b) for w, b in zip(weights, dwt2(other, mode=mode), strict=True)]
    np.testing.assert_allclose(tf.reduce_sum(gradient * other), tf.add_n(again), rtol=1e-10)


def test_gradient_of_the_inverse_is_its_adjoint():
    bands = [
        tf.constant(noise) for noise in np.random.default_rng(2).standard_normal((4, 1, 4, 6, 2))
    ]
    weights = np.random.default_rng(3).standard_normal((1, 8, 12, 2))
    with tf.GradientTape() as tape:
        tape.watch(bands)
        product = tf.reduce_sum(weights * idwt2(Bands(*bands)))
    gradients = tape.gradient(product, bands)
    total = tf.add_n([tf.reduce_sum(g * b) for g, b in zip(gradients, bands, strict=True)])
    np.testing.assert_allclose(total, product, rtol=1e-10)


def test_unknown_shapes_xla_and_tf_data_change_nothing():
    images = _images(dtype=np.float32)
    expected = dwt2(images).br

    unknown = tf.function(dwt2, input_signature=[tf.TensorSpec([None] * 4)])
    np.testing.assert_allclose(unknown(images).br, expected, atol=1e-6)
    compiled = tf.function(lambda x: idwt2(dwt2(x)), jit_compile=True)
    np.testing.assert_allclose(compiled(images), images, atol=1e-5)
    dataset = tf.data.Dataset.from_tensors(images).map(lambda x: dwt2(x).br)
    np.testing.assert_allclose(next(iter(dataset)), expected, atol=1e-6)


def test_an_odd_side_is_refused_when_the_graph_runs():
    unknown = tf.function(dwt2, input_signature=[tf.TensorSpec([None] * 4)])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="the height must be an even number, 2 at least"
    ):
        unknown(_images(5, 4, np.float32))


def test_bfloat16_is_exact_to_its_precision():
    images = tf.cast(_images(dtype=np.float32), tf.bfloat16)
    bands, exact = dwt2(images), dwt2(tf.cast(images, tf.float32))
    for band, other in zip(bands, exact, strict=True):
        assert band.dtype == tf.bfloat16
        # Results are rounded once; for ties XLA may take either neighbour.
        spacing = 2.0 ** (np.floor(np.log2(np.abs(other))) - 7)
        assert np.all(np.abs(tf.cast(band, tf.float32) - other) <= spacing / 2)


def test_the_default_mode_inverts_exactly_and_is_reflect_for_the_papers_wavelet():
    images = _images()
    for wavelet in ("haar", "db2", "bior2.2", "rbio3.1", "bior6.8"):
        back = idwt2(dwt2(images, wavelet), wavelet)
        np.testing.assert_allclose(back, images, rtol=0, atol=1e-11)
        back = waverec2(*wavedec2(images, 1, wavelet), wavelet)
        np.testing.assert_allclose(back, images, rtol=0, atol=1e-11)
    for band, other in zip(dwt2(images), dwt2(images, "bior2.2", "reflect"), strict=True):
        np.testing.assert_array_equal(band, other)


def test_layers_equal_the_functions_and_are_rebuilt_from_their_configuration():
    images = _images(dtype=np.float32)
    forward, inverse = DWT2("haar", "periodization"), IDWT2("haar", "periodization")
    bands = forward(images)
    np.testing.assert_allclose(bands[..., :3], dwt2(images, "haar", "periodization").tl)
    np.testing.assert_allclose(inverse(bands), images, atol=1e-6)
    again = DWT2.from_config(forward.get_config())
    np.testing.assert_array_equal(again(images), bands)


@pytest.mark.parametrize(
    "change, error, message",
    [
        (dict(images=np.zeros([1, 5, 4, 1])), ValueError, "images: the height is 5; use an even"),
        (dict(images=np.zeros([1, 4, 3, 1])), ValueError, "images: the width is 3; use an even"),
        (
            dict(images=np.zeros([4, 4, 1])),
            ValueError,
            r"images: shape is \(4, 4, 1\); use \[batch",
        ),
        (dict(images=np.zeros([1, 4, 4, 1], np.uint8)), TypeError, "dtype is uint8; use bfloat16"),
        (dict(wavelet="bior9"), ValueError, "wavelet: 'bior9' is not a .*bior2.2"),
        (dict(wavelet="morl"), ValueError, "wavelet: 'morl' is not a discrete"),
        (dict(wavelet="dmey", mode="periodization"), ValueError, "no mode inverts them"),
        (
            dict(wavelet=("haar", "db2")),
            ValueError,
            "is not a wavelet .*use a name .* four filters",
        ),
        (dict(wavelet=pywt.ContinuousWavelet("mexh")), ValueError, "is not a wavelet"),
        (dict(wavelet=([1, 1], [1, -1]) * 2), ValueError, "do not invert each other"),
        (dict(mode="symmetric"), ValueError, "mode: 'symmetric' is unknown; use reflect, period"),
        (dict(wavelet="dmey"), ValueError, "filters of 'dmey' are truncated"),
        (
            dict(wavelet="haar", mode="reflect"),
            ValueError,
            "wavelet: mode 'reflect' is for .*'haar'",
        ),
    ],
)
def test_invalid_arguments_are_refused_naming_the_allowed_ones(change, error, message):
    with pytest.raises(error, match=message):
        dwt2(**(dict(images=np.zeros([1, 4, 4, 1])) | change))


def test_wrong_bands_are_named():
    bands = dwt2(np.zeros([1, 4, 4, 1]))
    with pytest.raises(ValueError, match="there are 3; give four"):
        idwt2(bands[:3])
    with pytest.raises(ValueError, match="BR is float64"):
        idwt2(bands._replace(br=np.zeros([1, 2, 1, 1])))
    with pytest.raises(ValueError, match="levels: -1; use 0 or more"):
        wavedec2(np.zeros([1, 4, 4, 1]), -1)
    with pytest.raises(ValueError, match="images: the width is 6; use a multiple of 4"):
        wavedec2(np.zeros([1, 4, 6, 1]), 2)
    with pytest.raises(TypeError, match="images: dtype is uint8"):
        wavedec2(np.zeros([1, 4, 4, 1], np.uint8), 0)
    with pytest.raises(ValueError, match=r"bands: shape is .*; 4 must divide the channels"):
        IDWT2()(np.zeros([1, 4, 4, 6], np.float32))
