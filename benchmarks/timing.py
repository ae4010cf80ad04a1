"""Timing by the fastest of several runs, as the machines are noisy."""

import time
from collections.abc import Callable


def fastest(run: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of `times` runs; `run` must return only when its result is ready."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
