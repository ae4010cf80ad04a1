"""Progress bars on a terminal; a plain line now and then where the output is a file."""

import datetime
import math
import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

SECONDS_BETWEEN_LINES = 15.0


class ProgressBar:
    """A bar with a count, figures and the time left; use it as a context manager.

    Args:
        title: what is being done.
        total: units of work in all.
        unit: what is counted, in the plural.
        start: units done before this run.
        quiet: shows nothing.
        seconds: after which the work ends, finished or not.
    """

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        start: int = 0,
        quiet: bool = False,
        seconds: float = math.inf,
    ):
        self._title, self._total, self._unit = title, total, unit
        self._start = start
        self._done: float = start
        self._figures: list[str] = []
        self._began = self._last_line = time.monotonic()
        self._seconds = seconds
        self._bar = None
        self._quiet = quiet
        console = Console(stderr=True)
        if console.is_terminal and not quiet:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None, table_column=Column(ratio=1)),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                _TimeLeft(self._told_left),
                console=console,
                expand=True,
                speed_estimate_period=600,  # seconds; a step of a large model takes minutes
            )
            self._task = self._bar.add_task(title, total=total, completed=start, figures=unit)

    def __enter__(self) -> "ProgressBar":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._done > self._start:
            self._print_line()

    def update(self, done: float, **figures: float) -> None:
        """Shows that `done` units of the total are finished, with figures by name.

        A name is shown as a unit: `bits_per_dim` as bits/dim.
        """
        self._done = done
        if figures:
            self._figures = [
                f"{_four_digits(value)} {name.replace('_per_', '/')}"
                for name, value in figures.items()
            ]
        if self._bar is not None:
            text = "  ".join([self._unit, *self._figures])
            self._bar.update(self._task, completed=done, figures=text)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def advance(self, done: float = 1) -> None:
        """Shows that `done` more units are finished."""
        self.update(self._done + done)

    def _print_line(self) -> None:
        if self._quiet:
            return
        self._last_line = time.monotonic()
        took = self._last_line - self._began
        left = took / max(1, self._done - self._start) * (self._total - self._done)
        parts = [
            f"{self._title}: {int(self._done)}/{self._total} {self._unit}",
            *self._figures,
            self._told_left(left),
        ]
        print("  ".join(parts), file=sys.stderr, flush=True)

    def _told_left(self, seconds: float | None) -> str:
        """What is left for people to read: seconds of work that all of it would take, if known."""
        until_end = max(0.0, self._began + self._seconds - time.monotonic())
        left = min(until_end, math.inf if seconds is None else seconds)
        return f"{datetime.timedelta(seconds=int(left)) if left < math.inf else '-:--:--'} left"


class _TimeLeft(ProgressColumn):
    max_refresh = 0.5  # seconds

    def __init__(self, told: Callable[[float | None], str]):
        super().__init__()
        self._told = told

    def render(self, task: Task) -> Text:
        return Text(self._told(task.time_remaining))


def _four_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"
