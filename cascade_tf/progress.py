"""Progress bars on a terminal, and occasional plain lines in a file."""

import contextlib
import datetime
import math
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

SECONDS_BETWEEN_LINES = 15.0


class ProgressBar:
    """Context manager that shows a bar with a count, metrics and the time left, on stderr.

    Args:
        title: of the work.
        total: units of work in all.
        unit: of the count, in the plural.
        start: units done before this run.
        quiet: whether to show nothing.
        seconds: time limit of the work, for the time left.

    >>> with ProgressBar("train", total=2, unit="steps", quiet=True) as bar:
    ...     bar.update(1, loss=0.5)
    ...     bar.advance()
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
        console = Console(stderr=True)
        self._prints_lines = not console.is_terminal and not quiet
        self._unit, self._figures, self._start, self._total = unit, unit, start, total
        self._began = self._last_line = time.monotonic()
        self._last_done: float | None = None  # units of the last line
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            _Count(),
            TextColumn("{task.fields[figures]}"),
            _TimeLeft(),
            console=console,
            expand=True,
            disable=quiet or not console.is_terminal,
            speed_estimate_period=600,  # seconds; a step of a large model takes minutes
        )
        self._bar.add_task(
            title, total=total, completed=start, figures=unit, end=self._began + seconds
        )

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # of a closed pipe or terminal; the work is done
            self._bar.stop()
            done = self._task.completed
            if self._prints_lines and done > self._start and done != self._last_done:
                self._print_line()

    @property
    def _task(self) -> Task:
        return self._bar.tasks[0]

    def update(self, done: float, **figures: float) -> None:
        """Shows that `done` units of the total are finished, and metrics by name.

        In names `_per_` is shown as a slash: `bits_per_dim` as bits/dim.
        """
        if figures:
            shown = (f"{_four_digits(v)} {k.replace('_per_', '/')}" for k, v in figures.items())
            self._figures = "  ".join([self._unit, *shown])
        self._bar.update(self._task.id, completed=done, figures=self._figures)
        if self._prints_lines and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def say(self, line: str) -> None:
        """Prints a line, above the bar."""
        if self._prints_lines:
            print(line, file=sys.stderr, flush=True)
        elif not self._bar.disable:
            self._bar.console.print(line, markup=False, highlight=False)

    def advance(self, done: float = 1) -> None:
        """Shows that `done` more units are finished."""
        self.update(self._task.completed + done)

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        self._last_done = done = self._task.completed
        pace = (self._last_line - self._began) / max(1, done - self._start)
        seconds = pace * (self._total - done)
        count = f"{self._task.description}: {_count(self._task, seconds)}"
        line = f"{count} {self._figures}  {_left(self._task, seconds)}"
        print(line, file=sys.stderr, flush=True)


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(_count(task, task.time_remaining))


class _TimeLeft(ProgressColumn):
    max_refresh = 0.5  # seconds

    def render(self, task: Task) -> Text:
        return Text(_left(task, task.time_remaining))


def _until_limit(task: Task) -> float:
    """Seconds until the time limit."""
    return max(0.0, task.fields["end"] - time.monotonic())


def _ends_by_time(task: Task, estimate: float | None) -> bool:
    """Whether the time limit ends the work, by an estimate of the seconds that all of it takes."""
    return _until_limit(task) < (math.inf if estimate is None else estimate)


def _count(task: Task, estimate: float | None) -> str:
    """The units done, and the total if the work will reach it."""
    total = "" if _ends_by_time(task, estimate) else f"/{int(task.total or 0)}"
    return f"{int(task.completed)}{total}"


def _left(task: Task, estimate: float | None) -> str:
    """The time left in words; "(time)" says that the time limit ends the work."""
    by_time = _ends_by_time(task, estimate)
    left = _until_limit(task) if by_time else estimate
    time_left = "-:--:--" if left is None else datetime.timedelta(seconds=int(left))
    return f"{time_left} left{' (time)' if by_time else ''}"


def _four_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"
