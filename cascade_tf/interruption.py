"""Stopping on a signal, or when nobody reads the output, at a point where no work is lost."""

import contextlib
import signal
from collections.abc import Iterator
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
    """Context manager that turns SIGTERM, SIGINT and SIGHUP into `signal`, for a loop to read.

    A second signal ends the program at once, as it would outside. SIGHUP stays ignored where it
    was ignored before, as under nohup.

    Attributes:
        signal: number of the signal received; None before.

    >>> with StopRequest() as stop:
    ...     signal.raise_signal(signal.SIGTERM)
    >>> stop.signal == signal.SIGTERM
    True
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self.signal: int | None = None

    def __enter__(self) -> "StopRequest":
        nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signals = [s for s in self.SIGNALS if s != signal.SIGHUP or not nohup]
        self._previous = {s: signal.signal(s, self._note) for s in signals}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_closed_pipe(self) -> Iterator[None]:
        """Context manager that takes a BrokenPipeError for a request to stop, by SIGPIPE.

        >>> with StopRequest() as stop, stop.at_closed_pipe():
        ...     raise BrokenPipeError
        >>> stop.signal == signal.SIGPIPE
        True
        """
        try:
            yield
        except BrokenPipeError:
            self.signal = self.signal or signal.SIGPIPE

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        for other, handler in self._previous.items():
            # When a terminal closes, its shell and the kernel each send a SIGHUP.
            again = other == number == signal.SIGHUP
            signal.signal(other, signal.SIG_IGN if again else handler)
