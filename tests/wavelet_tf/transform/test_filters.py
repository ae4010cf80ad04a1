"""The 1-D transform: its definition, its fast form and PyWavelets agree."""

import numpy as np
import pytest
import pywt
import tensorflow as tf

from wavelet_tf.transform import definition, polyphase
from wavelet_tf.transform.filters import MODES, default_mode, filters

WAVELETS = [name for name in pywt.wavelist(kind="discrete") if name != "dmey"]
SYMMETRIC = [f"{kind}{n}" for kind in ("bior", "rbio") for n in ("2.2", "2.4", "2.6", "2.8")]
SYMMETRIC += [f"{kind}{n}" for kind in ("bior", "rbio") for n in ("4.4", "5.5", "6.8")]
LENGTHS = (2, 128)


def _signal(length):
    return np.random.default_rng(length).standard_normal((2, length, 3))


def _close(actual, expected, tolerance, message):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=message)


def _reference_error(signal, wavelet, mode):
    """Reconstruction error of PyWavelets itself, from the rounding of its tables of taps."""
    low, high = pywt.dwt(signal, wavelet, mode, axis=1)
    return np.abs(pywt.idwt(low, high, wavelet, mode, axis=1) - signal).max()


@pytest.mark.parametrize("mode", MODES)
def test_the_fast_form_equals_the_definition_for_every_wavelet(mode):
    # Mode `zero` has the taps of `periodization`.
    wavelets = {"reflect": SYMMETRIC, "periodization": WAVELETS, "zero": WAVELETS[::8]}
    for wavelet in wavelets[mode]:
        taps = filters(wavelet, mode)
        # Signals shorter than the filters, and longer ones, whose ends are computed separately.
        for length in (2, 128) if wavelet in WAVELETS[::4] else (10,):
            signal = tf.constant(_signal(length))
            bands = polyphase.analysis(signal, taps)
            for fast, plain in zip(bands, definition.analysis(signal, taps), strict=True):
                np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-13, err_msg=wavelet)
            fast, plain = polyphase.synthesis(*bands, taps), definition.synthesis(*bands, taps)
            np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-13, err_msg=wavelet)


def test_periodization_equals_pywavelets_for_every_wavelet():
    assert len(WAVELETS) > 100
    for wavelet in WAVELETS:
        taps = filters(wavelet, "periodization")
        for length in LENGTHS:
            signal = _signal(length)
            bands = polyphase.analysis(tf.constant(signal), taps)
            expected = pywt.dwt(signal, wavelet, "periodization", axis=1)
            for band, other in zip(bands, expected, strict=True):
                _close(band, other, 1e-12, wavelet)
            back = polyphase.synthesis(*bands, taps)
            _close(back, pywt.idwt(*expected, wavelet, "periodization", axis=1), 1e-12, wavelet)
            error = _reference_error(signal, wavelet, "periodization")
            assert np.abs(back - signal).max() <= max(2 * error, 1e-14), (wavelet, length)


def test_float32_equals_pywavelets_to_its_precision():
    for wavelet in WAVELETS:
        signal = _signal(16)
        bands = polyphase.analysis(
            tf.constant(signal, tf.float32), filters(wavelet, "periodization")
        )
        expected = pywt.dwt(signal, wavelet, "periodization", axis=1)
        for band, other in zip(bands, expected, strict=True):
            _close(band, other, 1e-5, wavelet)


@pytest.mark.parametrize("wavelet", SYMMETRIC)
def test_reflect_is_a_part_of_pywavelets_reflect_and_inverts(wavelet):
    taps = filters(wavelet, "reflect")
    for length in LENGTHS:
        signal = _signal(length)
        bands = polyphase.analysis(tf.constant(signal), taps)
        expected = pywt.dwt(signal, wavelet, "reflect", axis=1)
        for band, other, first in zip(bands, expected, _cuts(wavelet), strict=True):
            cut = other[:, first : first + length // 2]
            np.testing.assert_allclose(band, cut, rtol=0, atol=1e-13)
        back = polyphase.synthesis(*bands, taps)
        error = _reference_error(signal, wavelet, "reflect")
        assert np.abs(back - signal).max() <= max(2 * error, 2e-15)


def _cuts(wavelet):
    """Offsets of our bands in PyWavelets' low and high bands; bior5.5's two differ by one."""
    known = {"2.2": (1, 1), "4.4": (2, 2), "2.8": (4, 4), "6.8": (4, 4), "5.5": (3, 2)}
    return known.get(wavelet[4:], (pywt.Wavelet(wavelet).dec_len // 4,) * 2)


@pytest.mark.parametrize("wavelet", sorted(set(WAVELETS) - set(SYMMETRIC)))
def test_reflect_refuses_other_wavelets_with_the_reason(wavelet):
    with pytest.raises(ValueError, match="wavelet: .*symmetric filters of odd length.*" + wavelet):
        filters(wavelet, "reflect")


def test_the_default_mode_inverts_exactly_for_every_wavelet():
    for wavelet in WAVELETS:
        mode = default_mode(wavelet)
        assert mode == ("reflect" if wavelet in SYMMETRIC else "periodization")
        taps, signal = filters(wavelet, mode), _signal(16)
        bands = definition.analysis(tf.constant(signal), taps)
        _close(definition.synthesis(*bands, taps), signal, 1e-10, wavelet)
    with pytest.raises(ValueError, match="'none' is not a discrete wavelet"):
        default_mode("none")


@pytest.mark.parametrize("mode", MODES)
def test_dmey_is_refused_since_pywavelets_itself_does_not_invert_it(mode):
    assert _reference_error(_signal(128), "dmey", "periodization") > 1e-3
    for call in (lambda: filters("dmey", mode), lambda: default_mode("dmey")):
        with pytest.raises(ValueError, match=r"filters of 'dmey' are truncated.*use another"):
            call()
