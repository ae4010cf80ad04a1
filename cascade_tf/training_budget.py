"""The speed of a training, and what its steps or time will amount to at that speed."""

import time

_FEW_STEPS = 2000
_MANY_EPOCHS = 500  # on our digits held-out figures still fell at 150
_SECONDS = 10.0  # of steps, after which their speed is known


class TrainingSpeed:
    """Smoothed images per second of training steps, without the first, which compiles.

    Each step runs in the context of this object.

    Args:
        batch_size: images of a step.

    Attributes:
        images_per_second: 0 until the second step has ended.

    >>> speed = TrainingSpeed(batch_size=16)
    >>> for _ in range(2):
    ...     with speed:
    ...         pass
    >>> speed.images_per_second > 0, speed.is_known
    (True, False)
    """

    def __init__(self, batch_size: int):
        self._batch_size = batch_size
        self._seconds: float | None = None
        self._first = True
        self._total = 0.0
        self.images_per_second = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_) -> None:
        took = time.monotonic() - self._began
        if self._first:
            self._first = False
            return
        self._total += took
        self._seconds = took if self._seconds is None else 0.9 * self._seconds + 0.1 * took
        self.images_per_second = self._batch_size / self._seconds

    @property
    def is_known(self) -> bool:
        """Whether enough steps are measured to tell how long a training takes."""
        return self._total >= _SECONDS


def budget_line(
    step: int,
    steps: int,
    seconds_left: float,
    seconds_of_a_step: float,
    batch_size: int,
    images: int,
) -> str:
    """The expected number of steps and epochs, and advice where few or many are expected.

    Args:
        step: completed so far.
        steps: the limit.
        seconds_left: until the time limit; infinite without one.
        seconds_of_a_step: measured.
        batch_size: images of a step.
        images: of an epoch.

    >>> budget_line(20, 10**6, 600.0, 0.1, batch_size=16, images=50_000)
    '0.1 s a step: about 6,020 steps in all, 1.9 epochs of 50,000 images'
    >>> budget_line(20, 500, 600.0, 0.1, batch_size=16, images=50_000)
    '0.1 s a step: 500 steps in all, 0.16 epochs of 50,000 images; consider more steps'
    >>> budget_line(20, 10_000, 600.0, 0.01, batch_size=64, images=4_500)
    '0.01 s a step: 10,000 steps in all, 142 epochs of 4,500 images'
    >>> line = budget_line(20, 1_000, 600.0, 0.01, batch_size=32, images=40)
    >>> line.partition("; ")[2]
    'consider more images, `flip` or dropout: a network memorises few images'
    """
    in_time = step + seconds_left / seconds_of_a_step
    expected = int(min(in_time, steps))
    about = "" if in_time >= steps else "about "
    epochs = expected * batch_size / images
    advice = ""
    if epochs > _MANY_EPOCHS:
        advice = "; consider more images, `flip` or dropout: a network memorises few images"
    elif expected < _FEW_STEPS:
        longer = "more steps" if in_time >= steps else "a longer training or a smaller network"
        advice = f"; consider {longer}"
    shown = f"{epochs:,.0f}" if epochs >= 10 else f"{epochs:.2g}"
    return (
        f"{seconds_of_a_step:.2g} s a step: {about}{expected:,} steps in all, {shown} epochs of "
        f"{images:,} images{advice}"
    )
