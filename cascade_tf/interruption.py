"""Stopping on SIGTERM or Ctrl-C at a moment when nothing is lost."""

import signal
from types import FrameType, TracebackType


class Interrupted(Exception):
    """The user, or the system, asked the program to stop; what was to be saved is saved."""

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.exit_code = 128 + number  # as a shell reports a program ended by a signal


class StopRequest:
    """Turns SIGTERM and SIGINT into a request that the loop reads; use it as a context manager.

    A second signal ends the program at once, as it would without this.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.signal: int | None = None

    def __enter__(self) -> "StopRequest":
        self._previous = {s: signal.signal(s, self._note) for s in self.SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        for other, handler in self._previous.items():
            signal.signal(other, handler)
