"""What a training's steps or time will amount to, as one line once its speed is known."""

_FEW_STEPS = 2000
_MANY_EPOCHS = 100


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
    """
    in_time = step + seconds_left / seconds_of_a_step
    expected = min(steps, int(min(in_time, steps)))
    about = "" if in_time >= steps else "about "
    epochs = expected * batch_size / images
    advice = ""
    if expected < _FEW_STEPS:
        longer = "more steps" if in_time >= steps else "a longer training or a smaller network"
        advice = f"; consider {longer}"
    elif epochs > _MANY_EPOCHS:
        advice = (
            "; consider more images, `flip`, or a smaller network: more epochs learn few by heart"
        )
    return (
        f"{seconds_of_a_step:.2g} s a step: {about}{expected:,} steps in all, {epochs:.2g} epochs "
        f"of {images:,} images{advice}"
    )
