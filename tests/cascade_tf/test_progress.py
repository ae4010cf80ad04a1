import io
import math
import re
import sys

import pytest

from cascade_tf import progress
from cascade_tf.progress import ProgressBar

_UP_A_LINE = "\x1b[1A"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_line_is_printed_at_intervals_if_stderr_is_no_terminal(clock, capsys):
    with ProgressBar("train spn", 5000, "steps", start=1000) as bar:
        clock.now += 10
        bar.update(1100, bits_per_dim=2.5)
        assert capsys.readouterr().err == ""
        clock.now += 10
        bar.update(2000, bits_per_dim=2.25, images_per_second=12345.6)
        # 1000 steps took 20 seconds, 3000 are left.
        line = "train spn: 2000/5000 steps  2.250 bits/dim  12,346 images/second  0:01:00 left\n"
        assert capsys.readouterr().err == line
        bar.update(2001, bits_per_dim=2.0)
        assert capsys.readouterr().err == ""
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("train spn: 2001/5000 steps  2.000 bits/dim")


@pytest.mark.parametrize(
    "seconds, left",
    [(60, "1000 steps  0:00:40 left (time)"), (200, "1000/4000 steps  0:01:00 left")],
)
def test_the_time_left_names_the_limit_that_ends_the_work(seconds, left, clock, capsys):
    with ProgressBar("train spn", 4000, "steps", seconds=seconds) as bar:
        clock.now += 20
        bar.update(1000)
        assert capsys.readouterr().err == f"train spn: {left}\n"


def test_no_line_without_work(capsys):
    with ProgressBar("train spn", 5, "steps", start=5):
        pass
    assert capsys.readouterr() == ("", "")


def test_counts_are_whole_units(capsys):
    with ProgressBar("sample", 5, "images") as bar:
        bar.update(4.75)
    assert capsys.readouterr().err.startswith("sample: 4/5 images  0:00:")


@pytest.mark.parametrize(
    "width,limit,total,end",
    [(80, math.inf, "/2000000", ""), (80, 0, "", r" \(time\)"), (120, math.inf, "/2000000", "")],
)
def test_a_terminal_shows_everything_on_one_line(monkeypatch, width, limit, total, end):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    figures = {"bits_per_dim": 2.34567, "images/s": 1234.5}
    with ProgressBar("train spn", 2000000, "steps", start=1000000, seconds=limit) as bar:
        bar.update(1000001, **figures)
        bar.update(1234567, **figures)
    assert _UP_A_LINE not in terminal.getvalue()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    *_, last = [line for line in re.split(r"[\r\n]", text) if "train" in line]
    assert re.match(
        rf"train spn [━╸╺]+ 1234567{total} steps  2\.346 bits/dim  1,234 images/s \S+ left{end} *$",
        last,
    )
    assert len(last) == width


def test_a_terminal_shows_the_time_until_the_end(clock, monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar("train spn", 10**9, "steps", seconds=125) as bar:
        clock.now += 2
        bar.update(1)
    assert "0:02:03 left" in terminal.getvalue()
