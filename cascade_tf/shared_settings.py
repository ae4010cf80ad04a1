"""Fields that several classes of settings share."""

from typing import Any

from cascade_tf.counts import is_count
from cascade_tf.settings import setting


def image_size(default: int = 32) -> Any:
    """The field `image_size`, with a default for each family."""
    return setting(
        default,
        "Side of the square images, in pixels.",
        decides="model",
        at_least=1,
        whole=True,
        group="data",
        plain=True,
        note=", the side: images are cropped to squares",
    )


def channels() -> Any:
    """The field `channels`."""
    return setting(
        3, "1 (grey) or 3 (colour).", decides="model", whole=True, group="data", plain=True
    )


def num_classes(default: int | None) -> Any:
    """The field `num_classes`, with a default for each family; None: those of the data set."""
    return setting(
        default,
        "Number of classes, 1: unconditional; by default those of the data set for a "
        "GAN, 1 for an SPN.",
        decides="model",
        at_least=1,
        group="model",
        plain=True,
    )


def check_channels(settings: Any) -> None:
    """Raises SettingError unless `settings.channels` is 1 or 3."""
    if settings.channels not in (1, 3):
        settings.refuse("use 1 (grey) or 3 (colour)", "channels")


def check_count(settings: Any, field: str, at_least: int) -> None:
    """Raises SettingError unless a field is an integer of at least `at_least`."""
    if not is_count(getattr(settings, field), at_least):
        settings.refuse(f"use an integer, {at_least} or more", field)


def seed() -> Any:
    """The field `seed`."""
    return setting(
        0,
        "Seed of initial weights and of all random draws of training.",
        decides="training",
        at_least=0,
        at_most=2**31 - 1,
        whole=True,
        plain=True,
    )


def learning_rate(default: tuple[float, ...]) -> Any:
    """The field `learning_rate`, with a default for each kind of stage."""
    return setting(
        default,
        "One rate, or a piecewise-constant schedule: rate,rate,...",
        decides="training",
        above=0,
        group="training",
        plain=True,
    )
