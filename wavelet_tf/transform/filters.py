"""Filter banks in the form that the transform needs: taps, their offsets, and the extension.

With x extended beyond its ends, and k from 0 to N/2 - 1:

    analysis    band[k]  = sum over offsets o of  analysis[o] * x[2k + o]
    synthesis   x[n]     = sum over bands, k and o with 2k + o = n of  synthesis[o] * band[k]
"""

import dataclasses
import functools

import numpy as np
import pywt

from wavelet_tf.transform.extension import Extension, mirrored, periodic, zeros
from wavelet_tf.transform.modes import MODES
from wavelet_tf.transform.wavelets import Bank, WaveletLike, name_or_bank, wavelet_of

# Its filters are truncated from infinite ones. No mode inverts them, in PyWavelets neither. The
# tables of all others are rounded by so little that their inverse is exact to 1e-10.
_INEXACT = "dmey"

_REFUSED = (
    "wavelet: mode 'reflect' is for biorthogonal wavelets with symmetric filters of odd length, "
    "such as bior2.2 or bior4.4, and {!r} is none of them: use mode 'periodization'"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Filters:
    """Taps and extensions of one wavelet in one mode.

    Attributes:
        analysis: float64 [L, 2], taps of the low and the high band at offsets `analysis_start`,
            `analysis_start` + 1, ...
        synthesis: float64 [2, M], taps of the reconstruction from the low and the high band, at
            offsets `synthesis_start`, `synthesis_start` + 1, ...
        signal: extension of the signal.
        bands: extensions of the low and the high band with which synthesis inverts analysis.
    """

    analysis_start: int
    analysis: np.ndarray
    synthesis_start: int
    synthesis: np.ndarray
    signal: Extension
    bands: tuple[Extension, Extension]

    @property
    def center(self) -> float:
        """Position in the signal of the low band's sample 0: the centre of its taps."""
        low = self.analysis[:, 0]
        return float(low @ (self.analysis_start + np.arange(len(low))) / low.sum())


def default_mode(wavelet: WaveletLike) -> str:
    """Returns the mode that functions and layers use for a wavelet if their `mode` is None.

    The inverse is exact in this mode. It is "reflect" for wavelets with symmetric filters of odd
    length (bior and rbio 2.x, 4.4, 5.5, 6.8), "periodization" for all others.

    Args:
        wavelet: see `dwt2`.

    Raises:
        ValueError: the wavelet is unknown; or it is dmey, whose filters no mode inverts.

    Example:
        >>> default_mode("bior2.2"), default_mode("haar")
        ('reflect', 'periodization')
    """
    wavelet = name_or_bank(wavelet)
    return "periodization" if _centers(_bank(wavelet)) is None else "reflect"


@functools.cache
def filters(wavelet: str | Bank, mode: str) -> Filters:
    """Returns the filters of a wavelet from `name_or_bank` for one of MODES.

    Raises:
        ValueError: the wavelet or mode is unknown, the mode does not suit the wavelet, or the
            wavelet is dmey, whose filters no mode inverts.

    Example:
        >>> filters("haar", "periodization").analysis.round(4).tolist()
        [[0.7071, 0.7071], [0.7071, -0.7071]]
    """
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is unknown; use {', '.join(MODES)}")
    bank = _bank(wavelet)
    dec, rec = (bank.dec_lo, bank.dec_hi), (bank.rec_lo, bank.rec_hi)
    length = bank.dec_len
    if mode == "reflect":
        centers = _centers(bank)
        if centers is None:
            raise ValueError(_REFUSED.format(bank.name))
        # Tap j is at offset s - j, which puts a band's samples where PyWavelets' `reflect` does.
        # They are on even pixels if the centre c is odd, and on odd pixels if it is even. Either
        # way no sample of a band is the mirror image of another.
        s = [c | 1 for c in centers]
        low, high = [mirrored(half_left=c % 2 == 0, half_right=c % 2 == 1) for c in centers]
        signal = mirrored(half_left=False, half_right=False)
    else:
        s = [length // 2] * 2
        signal = periodic if mode == "periodization" else zeros
        low = high = signal
    analysis = [{s[b] - j: tap for j, tap in enumerate(dec[b])} for b in (0, 1)]
    synthesis = [{s[b] - length + 1 + j: tap for j, tap in enumerate(rec[b])} for b in (0, 1)]
    analysis_start, analysis_taps = _aligned(analysis)
    synthesis_start, synthesis_taps = _aligned(synthesis)
    return Filters(
        analysis_start, analysis_taps.T, synthesis_start, synthesis_taps, signal, (low, high)
    )


def _bank(wavelet: str | Bank) -> pywt.Wavelet:
    if not isinstance(wavelet, str):
        return wavelet_of(wavelet)
    if wavelet == _INEXACT:
        raise ValueError(
            f"wavelet: the filters of {wavelet!r} are truncated, and no mode inverts them: errors "
            f"reach 1 %; use another, such as 'sym8'"
        )
    known = [name for name in pywt.wavelist(kind="discrete") if name != _INEXACT]
    if wavelet not in known:
        raise ValueError(
            f"wavelet: {wavelet!r} is not a discrete wavelet of PyWavelets; use one of "
            f"{', '.join(known)}"
        )
    return pywt.Wavelet(wavelet)


def _centers(bank: pywt.Wavelet) -> list[int] | None:
    """Indices of the taps about which the low and the high filter are symmetric.

    None if mode `reflect` cannot invert the bank, for example if a filter has even length.
    """
    centers = []
    for taps in (bank.dec_lo, bank.dec_hi):
        first, last = np.flatnonzero(np.abs(taps) > 1e-13)[[0, -1]].tolist()
        used = np.array(taps[first : last + 1])
        if len(used) % 2 == 0 or not np.allclose(used, used[::-1], rtol=0, atol=1e-12):
            return None
        centers.append((first + last) // 2)
    return centers


def _aligned(bands: list[dict[int, float]]) -> tuple[int, np.ndarray]:
    """Returns the first offset, and an array with a row of taps for each band.

    Args:
        bands: taps by offset, for each band. Zeros at the ends are trimmed.
    """
    offsets = [o for taps in bands for o, tap in taps.items() if tap]
    span = range(min(offsets), max(offsets) + 1)
    return span.start, np.array([[taps.get(o, 0.0) for o in span] for taps in bands])
