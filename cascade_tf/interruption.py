"""Stopping on SIGTERM or Ctrl-C at a point where no work is lost."""

import signal
from types import FrameType, TracebackType


class Interrupted(Exception):
    """The program stops on a signal, after its work is saved.

    Args:
        number: of the signal.
        message: for the user.
    """

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.exit_code = 128 + number  # as shells report death by a signal


class StopRequest:
    """Context manager that turns SIGTERM and SIGINT into `signal`, for a loop to read.

    A second signal ends the program at once, as it would outside.

    Attributes:
        signal: number of the signal received; None before.

    >>> with StopRequest() as stop:
    ...     signal.raise_signal(signal.SIGTERM)
    >>> stop.signal == signal.SIGTERM
    True
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
