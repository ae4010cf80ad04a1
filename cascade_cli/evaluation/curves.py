"""Plots of a metric over truncation or time."""

import io
from collections.abc import Mapping


def plot(points: Mapping[float, float], x_label: str, y_label: str) -> bytes:
    """A curve through points, y by x, as the bytes of a PNG file; see `plot_all`."""
    return plot_all({"": points}, x_label, y_label)


def plot_all(curves: Mapping[str, Mapping[float, float]], x_label: str, y_label: str) -> bytes:
    """Curves through points, as the bytes of a PNG file.

    Args:
        curves: by name, y by x; those without points are left out.
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
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
