"""Plots of a metric over truncation or time."""

import io
from collections.abc import Mapping, Sequence

import numpy as np

_RANGES = 8  # interquartile ranges above the median, beyond which values are cut off


def plot(points: Mapping[float, float], x_label: str, y_label: str) -> bytes:
    """A curve through points, y by x, as the bytes of a PNG file; see `plot_all`."""
    return plot_all({"": points}, x_label, y_label)


def plot_all(curves: Mapping[str, Mapping[float, float]], x_label: str, y_label: str) -> bytes:
    """Curves through points, as the bytes of a PNG file.

    Args:
        curves: by name, y by x; those without points are left out. The plot ends below outliers:
            see `usual_limit`.
        x_label, y_label: titles of the axes; underscores of the latter become spaces.
    """
    # Imported here, because it takes a second that other commands need not wait for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, points in curves.items():
        if points:
            xs = sorted(points)
            axes.plot(xs, [points[x] for x in xs], marker="o", label=name)
    if len(curves) > 1 and any(curves.values()):
        axes.legend()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label.replace("_", " "))
    axes.grid(alpha=0.3)
    ys = [y for points in curves.values() for y in points.values()]
    if ys and min(ys) < (highest := usual_limit(ys)) < max(ys):
        margin = (highest - min(ys)) / 20
        axes.set_ylim(min(ys) - margin, highest)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()


def usual_limit(ys: Sequence[float]) -> float:
    """The top of a plot in which single large values do not hide all others.

    >>> usual_limit([2.0, 2.5, 3.0, 75.0, 2.5]), usual_limit([1.0, 2.0, 3.0])
    (6.5, 10.0)
    """
    lower, median, upper = np.percentile(ys, [25, 50, 75])
    return float(median + _RANGES * (upper - lower))
