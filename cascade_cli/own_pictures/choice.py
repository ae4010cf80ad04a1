"""Settings for a folder of pictures: a function of its facts, the machine and the user's settings.

Nothing here reads files or imports TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from cascade_cli.own_pictures.networks import NETWORKS, Network
from cascade_cli.own_pictures.survey import Survey
from cascade_tf.data.config import DataConfig
from cascade_tf.settings import entries

_MINUTES = 30.0
_STEPS = 5000  # that a network should have at least
_BATCH = 32
_NETWORK_AT_64 = NETWORKS[3]
_WEIGHTS_OF_A_PICTURE = 1000  # at most, so that few pictures are not learned by heart
_FEW, _FEW_LARGE = 1000, 200  # pictures
_LARGE = 256  # pixels of a photograph's shorter side, at least
_TRAINING_SHARE = 0.85  # of the time; the rest is compilation, evaluation and samples


@dataclasses.dataclass(frozen=True)
class Choice:
    """Settings by flag, and the reason for their values."""

    reason: str
    values: dict[str, Any]


def choose(survey: Survey, product: float, given: Mapping[str, Any]) -> list[Choice]:
    """Settings of a Subscale Pixel Network that learns these pictures in the time.

    Settings that the user gave are inputs, and are not among the choices.

    Args:
        survey: facts of the folder.
        product: seconds of a product of two matrices of 1024x1024 on this machine.
        given: the user's settings by flag.

    >>> survey = Survey(pictures=5000, sizes=((28, 28),), decoded=1, grey=1)
    >>> choices = choose(survey, product=0.006, given={"max_minutes": 10})
    >>> [choices[0].values[name] for name in ("image_size", "channels", "scale")]
    [28, 1, 4]
    """
    chooser = _Chooser(survey, product, given)
    return [
        dataclasses.replace(choice, values=own)
        for choice in chooser.choices()
        if (own := {n: v for n, v in choice.values.items() if n not in given})
    ]


class _Chooser:
    """The choices, each of which may depend on those before."""

    def __init__(self, survey: Survey, product: float, given: Mapping[str, Any]):
        self._survey, self._product, self._given = survey, product, given
        self._minutes: float = given.get("max_minutes", _MINUTES)
        self._batch: int = given.get("batch_size", _BATCH)
        self._channels: int = given.get("channels", 1 if survey.is_grey else 3)
        self._size, self._scale = self._size_and_scale()
        self._crop = self._crops()
        self._network = self._largest_network()
        self._steps = self._steps_of(self._network, self._size, self._scale)
        if "steps" in given:
            self._steps = min(self._steps, given["steps"])

    def choices(self) -> list[Choice]:
        return [
            self._image(),
            self._crop,
            self._model(),
            self._length(),
            self._rates(),
            self._intervals(),
        ]

    def _size_and_scale(self) -> tuple[int, int]:
        """Side of the examples, and a scale whose slices have 4 to 15 pixels a side if possible."""
        given = self._given
        if "image_size" in given:
            size = given["image_size"]
            return size, given.get("scale", _scale(size))
        small = int(np.quantile(self._survey.sides, 0.1, method="lower"))
        roomy = self._steps_of(_NETWORK_AT_64, 64, 8) >= 4 * _STEPS
        size = min(small, 64 if roomy else 32)
        scale = given.get("scale", _largest_scale(size))
        return max(scale, size - size % scale), scale

    def _steps_of(self, network: Network, size: int, scale: int) -> int:
        """Steps in the time; without a limit, in the usual time."""
        seconds = 60 * (self._minutes or _MINUTES) * _TRAINING_SHARE
        step = network.seconds_of_a_step(self._product, self._batch, size, scale, self._channels)
        return max(1, int(seconds / step))

    def _image(self) -> Choice:
        survey, size = self._survey, self._size
        reasons = []
        smaller = int((survey.sides < size).sum())
        if smaller:
            reasons.append(f"{smaller} of {len(survey.sides)} pictures are smaller, and enlarged")
        elif survey.sides[-1] == size:
            reasons.append("the pictures' own size")
        elif size < 32:
            reasons.append("about the size of the smallest pictures, so that few are enlarged")
        else:
            reasons.append(f"as much as this machine can learn in {self._in_minutes}")
        if self._channels == 1 and survey.grey < survey.decoded:
            reasons.append(f"{survey.decoded - survey.grey} of {survey.decoded} lose their colours")
        if survey.alpha:
            reasons.append("transparent parts become white")
        if survey.deep:
            reasons.append("16 bits become 8")
        values = dict(image_size=size, channels=self._channels, bits=8, scale=self._scale)
        slice_size = f"{size // self._scale}x{size // self._scale}"
        return Choice(
            f"{size}x{size} pixels: {'; '.join(reasons)}. {self._scale**2} slices of {slice_size}.",
            values,
        )

    def _crops(self) -> Choice:
        """The part of a picture that is an example, and augmentation of few pictures."""
        survey, side = self._survey, int(self._survey.sides[0])
        values: dict[str, Any] = {}
        reason = "The largest square of each picture, at a random place in training."
        if survey.pictures < _FEW_LARGE and side >= _LARGE and "crop" in entries([DataConfig]):
            values["crop"] = "window"
            reason = "Few large pictures: windows of them, each pixel as it is in the file."
        elif survey.pictures < _FEW and side >= 2 * self._size:
            values["smallest_crop"] = 0.5
            reason = "Few pictures: squares of all sizes from half of the largest one."
        if values and side >= _LARGE and not survey.alpha:
            values["flip"] = True
            reason += " Mirrored, too."
        return Choice(
            f"{reason} Damaged files are named and left out.", values | {"bad_images": "skip"}
        )

    def _different_pictures(self) -> float:
        """Number of pictures; a part of a picture counts as one."""
        survey, values = self._survey, self._crop.values | self._given
        if values.get("crop") == "window":
            areas = np.prod(survey.sizes, axis=1) / self._size**2
            return survey.pictures * float(np.mean(areas))
        return survey.pictures * (4 if values.get("smallest_crop", 1) < 1 else 1)

    def _largest_network(self) -> Network:
        limit = _WEIGHTS_OF_A_PICTURE * self._different_pictures()
        able = [
            network
            for network in NETWORKS
            if self._steps_of(network, self._size, self._scale) >= _STEPS
            and network.weights <= limit
        ]
        return able[-1] if able else NETWORKS[0]

    def _model(self) -> Choice:
        larger = NETWORKS[NETWORKS.index(self._network) + 1 :]
        if not larger:
            why = "the largest network of this choice"
        elif self._steps_of(larger[0], self._size, self._scale) < _STEPS:
            why = f"a larger network would have fewer than {_STEPS:,} steps"
        else:
            why = "a larger network would learn so few pictures by heart"
        return Choice(
            f"About {self._steps:,} steps in {self._in_minutes} on this machine; {why}.",
            {"system": "spn", "upscaling": "none", **self._network.flags()},
        )

    def _length(self) -> Choice:
        reason = f"{self._in_minutes[0].upper()}{self._in_minutes[1:]} end the training"
        steps = 1_000_000 if self._minutes else self._steps
        if not self._minutes:
            reason = f"No time limit: as many steps as {self._in_minutes} have here"
        return Choice(
            f"{reason}; resumes count.",
            {"max_minutes": self._minutes, "steps": steps, "batch_size": self._batch},
        )

    def _rates(self) -> Choice:
        values: dict[str, Any] = {"rmsprop_start": 0.0}
        reason = "The first step learns already"
        if not {"learning_rate", "learning_rate_boundaries"} & self._given.keys():
            values |= {
                "learning_rate": (6e-4, 3e-4, 1.5e-4, 7.5e-5),
                "learning_rate_boundaries": (0.33, 0.6, 0.83),
            }
            reason += "; rates fall at these shares of the training, however long it is"
        return Choice(f"{reason}.", values)

    def _intervals(self) -> Choice:
        minutes = self._minutes or _MINUTES

        def every(share: float, at_least: int = 1) -> int:
            return max(at_least, _rounded(share * self._steps))

        return Choice(
            "Often enough to watch, seldom enough to cost little.",
            {
                "checkpoint_every": every(min(1 / 3, 2 / minutes)),
                "evaluate_every": every(1 / 8, 200),
                "evaluate_images": 64,
                "sample_every": every(0.45, 500),
                "sample_images": 9,
                "summary_every": min(50, every(1 / 100)),
            },
        )

    @property
    def _in_minutes(self) -> str:
        minutes = self._minutes or _MINUTES
        return f"{minutes:g} minute{'s' * (minutes != 1)}"


def _scale(size: int) -> int:
    """A scale for a given size: a divisor of it."""
    scales = (8, 4, 2, 1)
    return next(s for s in scales if s <= _largest_scale(size) and size % s == 0)


def _largest_scale(size: int) -> int:
    """A scale for a size that may become a little smaller."""
    return 8 if size > 48 else 4 if size >= 16 else 2 if size >= 4 else 1


def _rounded(steps: float) -> int:
    """Rounded to one digit and a half: 1, 2, ... 10, 15, 20, ...

    >>> [_rounded(steps) for steps in (0.2, 7.4, 123, 1234)]
    [1, 7, 100, 1000]
    """
    if steps < 10:
        return max(1, round(steps))
    unit = 10 ** (len(str(int(steps))) - 1) // 2
    return int(steps / unit + 0.5) * unit
