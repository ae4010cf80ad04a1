"""Progress bars on a terminal; a plain line now and then where the output is a file."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_BETWEEN_LINES = 15.0


class ProgressBar:
    """A bar with a count, figures and the time left; use it as a context manager.

    Args:
        title: what is being done.
        total: units of work in all.
        unit: what is counted, in the plural.
        start: units done before this run.
    """

    def __init__(self, title: str, total: int, unit: str, start: int = 0):
        self._title, self._total, self._unit = title, total, unit
        self._done = self._start = start
        self._figures = ""
        self._began = self._last_line = time.monotonic()
        self._bar = None
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn(unit + " {task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
                expand=True,
            )
            self._task = self._bar.add_task(title, total=total, completed=start, figures="")

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

    def update(self, done: int, **figures: float) -> None:
        """Shows that `done` units of the total are finished, with figures by name."""
        self._done = done
        if figures:
            self._figures = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        if self._bar is not None:
            self._bar.update(self._task, completed=done, figures=self._figures)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        took = self._last_line - self._began
        left = took / max(1, self._done - self._start) * (self._total - self._done)
        print(
            f"{self._title}: {self._done}/{self._total} {self._unit}  {self._figures}  "
            f"left {int(left) // 60}:{int(left) % 60:02d}",
            file=sys.stderr,
            flush=True,
        )
