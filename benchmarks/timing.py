"""Times of one run, fit for ratios: the machines that this runs on are noisy."""

import time
from collections.abc import Callable


def fastest(run: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of a few runs; what `run` returns must be there, not promised."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
