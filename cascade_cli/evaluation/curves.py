"""Plots of figures over something."""

import io
from collections.abc import Mapping


def plot(points: Mapping[float, float], over: str, what: str) -> bytes:
    """A curve through points, as a PNG file.

    Args:
        points: values by where they stand.
        over, what: titles of the axes.
    """
    # Here, as it takes a second that other commands need not wait.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = sorted(points)
    axes.plot(places, [points[place] for place in places], marker="o")
    axes.set_xlabel(over)
    axes.set_ylabel(what.replace("_", " "))
    axes.grid(alpha=0.3)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
