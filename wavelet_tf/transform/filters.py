"""Filter banks in the form that the transform needs: taps, where they stand, and the borders.

With x continued beyond its ends, and k counting from 0 to N/2 - 1:

    analysis    band[k]  = sum over offsets o of  analysis[o] * x[2k + o]
    synthesis   x[n]     = sum over bands, k and o with 2k + o = n of  synthesis[o] * band[k]
"""

import dataclasses
import functools

import numpy as np
import pywt

from wavelet_tf.transform.extension import Extension, mirrored, periodic, zeros
from wavelet_tf.transform.modes import MODES

_REFUSED = (
    "wavelet: mode 'reflect' is for biorthogonal wavelets with symmetric filters of odd length, "
    "such as bior2.2 or bior4.4, which {!r} has not: use mode 'periodization'"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Filters:
    """One wavelet in one mode; N is the even length of a signal.

    Attributes:
        analysis: float64 [L, 2], taps of the low and the high band at offsets `analysis_start`,
            `analysis_start` + 1, ...
        synthesis: float64 [2, M], taps by which the low and the high band make the signal, at
            offsets from `synthesis_start` on.
        signal: how the signal goes on beyond its ends.
        bands: how the low and the high band go on, so that the synthesis inverts the analysis.
    """

    analysis_start: int
    analysis: np.ndarray
    synthesis_start: int
    synthesis: np.ndarray
    signal: Extension
    bands: tuple[Extension, Extension]

    @property
    def center(self) -> float:
        """Where the low band's sample 0 stands in the signal: the centre of its taps."""
        low = self.analysis[:, 0]
        return float(low @ (self.analysis_start + np.arange(len(low))) / low.sum())


@functools.cache
def filters(wavelet: str, mode: str) -> Filters:
    """The filters of a wavelet by PyWavelets' name, for one of MODES.

    Raises:
        ValueError: an unknown wavelet or mode, or a wavelet that the mode cannot work with.
    """
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is unknown; use {', '.join(MODES)}")
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise ValueError(
            f"wavelet: {wavelet!r} is not a discrete wavelet of PyWavelets; use one of "
            f"{', '.join(pywt.wavelist(kind='discrete'))}"
        )
    bank = pywt.Wavelet(wavelet)
    dec, rec = (bank.dec_lo, bank.dec_hi), (bank.rec_lo, bank.rec_hi)
    length = bank.dec_len
    if mode == "reflect":
        if bank.orthogonal:  # dmey is nearly symmetric, but does not invert here
            raise ValueError(_REFUSED.format(wavelet))
        centers = [_center(wavelet, taps) for taps in dec]
        # A band has its samples where PyWavelets' `reflect` has them, its tap j at offset s - j.
        # With c even they lie on odd pixels: either way no sample is a mirror image of another.
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


def _center(wavelet: str, taps: list[float]) -> int:
    """The place that the taps are symmetric about.

    Raises:
        ValueError: they are not, or about a place between two taps.
    """
    first, *_, last = np.flatnonzero(np.abs(taps) > 1e-13).tolist()
    used = np.array(taps[first : last + 1])
    if len(used) % 2 == 0 or not np.allclose(used, used[::-1], rtol=0, atol=1e-12):
        raise ValueError(_REFUSED.format(wavelet))
    return (first + last) // 2


def _aligned(bands: list[dict[int, float]]) -> tuple[int, np.ndarray]:
    """Taps by offset to the first offset and one row of taps for each band; zeros are trimmed."""
    offsets = [o for taps in bands for o, tap in taps.items() if tap]
    span = range(min(offsets), max(offsets) + 1)
    return span.start, np.array([[taps.get(o, 0.0) for o in span] for taps in bands])
