"""The ways to give a wavelet: a name, an object of PyWavelets, or the four filters of a bank."""

import functools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pywt

# dec_lo, dec_hi, rec_lo and rec_hi, as in `pywt.Wavelet.filter_bank`.
Bank: TypeAlias = tuple[tuple[float, ...], ...]
WaveletLike: TypeAlias = str | pywt.Wavelet | Sequence[Sequence[float]]

# The inverse of a bank within this is exact to float32; the tables of PyWavelets are to 3e-11.
_TOLERANCE = 1e-6


def name_or_bank(wavelet: WaveletLike) -> str | Bank:
    """Returns a wavelet as a value that is hashed and saved: a name of PyWavelets, or the filters.

    Raises:
        ValueError: it is none of these kinds, or a bank without four filters of numbers.

    Example:
        >>> name_or_bank(pywt.Wavelet("haar"))
        'haar'
        >>> name_or_bank(([0.5, 0.5], [-0.5, 0.5], [1, 1], [1, -1]))
        ((0.5, 0.5), (-0.5, 0.5), (1.0, 1.0), (1.0, -1.0))
    """
    if isinstance(wavelet, str):
        return wavelet
    try:
        if not isinstance(wavelet, pywt.Wavelet):
            wavelet = pywt.Wavelet("custom", filter_bank=wavelet)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"wavelet: {str(wavelet)[:80]!r} is not a wavelet ({error}); use a name of PyWavelets, "
            f"a pywt.Wavelet, or four filters: dec_lo, dec_hi, rec_lo, rec_hi"
        ) from error
    name, bank = wavelet.name, wavelet.filter_bank
    if name in pywt.wavelist(kind="discrete") and pywt.Wavelet(name).filter_bank == bank:
        return name
    return tuple(map(tuple, bank))


@functools.cache
def wavelet_of(bank: Bank) -> pywt.Wavelet:
    """Returns the wavelet of a bank.

    Raises:
        ValueError: the filters do not reconstruct what they have split.
    """
    dec_lo, dec_hi, rec_lo, rec_hi = map(np.array, bank)
    signs = (-1.0) ** np.arange(len(dec_lo))
    # The parts of the reconstruction's transfer function: a delay, and aliases.
    delayed = np.convolve(dec_lo, rec_lo) + np.convolve(dec_hi, rec_hi)
    aliases = np.convolve(signs * dec_lo, rec_lo) + np.convolve(signs * dec_hi, rec_hi)
    delayed[len(dec_lo) - 1] -= 2
    error = max(np.abs(delayed).max(), np.abs(aliases).max())
    if not error < _TOLERANCE:  # also of NaN
        raise ValueError(
            f"wavelet: the four filters do not invert each other (off by {error:.2g}); give "
            f"dec_lo, dec_hi, rec_lo and rec_hi aligned as those of pywt.Wavelet"
        )
    return pywt.Wavelet("custom", filter_bank=bank)
