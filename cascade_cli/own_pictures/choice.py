"""Settings for a folder of pictures: a function of its facts, the machine and the user's settings.

Nothing here reads files or imports TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from cascade_cli.own_pictures.networks import NETWORKS, Machine, Network
from cascade_cli.own_pictures.survey import Survey

_MINUTES = 30.0
_TRAINING_SHARE = 0.85  # of the time; the rest is compilation, evaluation and samples
_BATCH, _SMALL_BATCH = BATCHES = 32, 8
_STEPS = 8000  # that a network should have at least
_NETWORK_AT_64 = NETWORKS[3]
# Against memorising few pictures.
_WEIGHTS_OF_A_PICTURE = 300
_PASSES = 100
_STEPS_OF_FEW = 1000  # however few the pictures are: a network learns little in fewer
_FEW, _FEW_LARGE = 1000, 200  # pictures
_LARGE = 256  # pixels of a photograph's shorter side, at least
_CROPS_OF_A_PICTURE = 4  # pictures that random crops of one are worth
_DECODING = 12e-9  # seconds of a core for a pixel; JPEG takes less, PNG more


@dataclasses.dataclass(frozen=True)
class Choice:
    """Settings by flag, and the reason for their values."""

    reason: str
    values: dict[str, Any]


def choose(survey: Survey, machine: Machine, given: Mapping[str, Any], cache: str) -> list[Choice]:
    """Settings of a Subscale Pixel Network that learns these pictures in the time.

    Settings that the user gave are inputs, and are not among the choices.

    Args:
        survey: facts of the folder.
        machine: its speed.
        given: the user's settings by flag.
        cache: a directory for a cache of resized pictures.

    >>> survey = Survey(pictures=5000, sizes=((28, 28),), decoded=1, grey=1)
    >>> choices = choose(survey, Machine(product=0.006, cores=2), {}, cache="runs/digits/cache")
    >>> [choices[0].values[name] for name in ("image_size", "channels", "scale")]
    [28, 1, 4]
    """
    chooser = _Chooser(survey, machine, given, cache)
    return [
        dataclasses.replace(choice, values=own)
        for choice in chooser.choices()
        if (own := {n: v for n, v in choice.values.items() if n not in given})
    ]


class _Chooser:
    """The choices, each of which may depend on those before."""

    def __init__(
        self, survey: Survey, machine: Machine, given: Mapping[str, Any], cache: str
    ) -> None:
        self._survey, self._machine, self._given = survey, machine, given
        self._minutes: float = given.get("max_minutes", _MINUTES)
        self._crops_are_given = bool({"crop", "smallest_crop", "cache_dir"} & given.keys())
        few_large = survey.pictures < _FEW_LARGE and int(survey.sides[0]) >= _LARGE
        self._has_windows = few_large and not self._crops_are_given
        # For windows, large files are decoded again and again.
        batch = _SMALL_BATCH if self._has_windows and not self._decodes_fast else _BATCH
        self._batch = given.get("batch_size", batch)
        self._channels: int = given.get("channels", 1 if survey.is_grey else 3)
        self._size, self._scale = self._size_and_scale()
        self._crop = self._crops(cache)
        self._input = {**self._crop.values, **given}
        limit = round(_PASSES * self._different_pictures / self._batch)
        self._limit = max(_STEPS_OF_FEW, limit)
        self._network = self._largest_network()
        self._steps = self._steps_in_time(self._network)
        self._steps = min(self._steps, given.get("steps", self._limit))

    def choices(self) -> list[Choice]:
        return [
            self._image(),
            self._crop,
            self._model(),
            self._length(),
            self._rates(),
            self._parallelism(),
            self._intervals(),
        ]

    @property
    def _seconds(self) -> float:
        """Time of the training; without a limit, the usual time."""
        return 60 * (self._minutes or _MINUTES)

    @property
    def _decoding(self) -> float:
        """Seconds of decoding a picture, on all cores."""
        pixels = np.mean(np.prod(self._survey.sizes, axis=1))
        return float(pixels) * _DECODING / self._machine.cores

    @property
    def _decodes_fast(self) -> bool:
        """Whether decoding takes less time than the step of a small network."""
        return _BATCH * self._decoding < 0.1

    def _size_and_scale(self) -> tuple[int, int]:
        """Side of the examples, and a scale whose slices have 4 to 12 pixels a side if possible."""
        given = self._given
        if "image_size" in given:
            size = given["image_size"]
            return size, given.get("scale", _scale(size))
        small = int(np.quantile(self._survey.sides, 0.1, method="lower"))
        step = _NETWORK_AT_64.seconds_of_a_step(self._machine, self._batch, 64, 8, self._channels)
        roomy = self._seconds / step >= 2 * _STEPS
        size = min(small, 64 if roomy else 32)
        scale = given.get("scale", _largest_scale(size))
        return max(scale, size - size % scale), scale

    def _steps_in_time(self, network: Network) -> int:
        step = network.seconds_of_a_step(
            self._machine, self._batch, self._size, self._scale, self._channels
        )
        if not self._input.get("cache_dir"):
            step += self._batch * self._decoding
        return max(1, int(self._seconds * _TRAINING_SHARE / step))

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

    def _crops(self, cache: str) -> Choice:
        """The part of a picture that is an example, augmentation of few pictures, and a cache."""
        survey, side = self._survey, int(self._survey.sides[0])
        values: dict[str, Any] = {}
        reasons = ["The largest square of each picture, at a random place in training"]
        if self._crops_are_given:
            reasons = ["Parts of the pictures as given"]
        elif self._has_windows:
            values["crop"] = "window"
            reasons = ["Few large pictures: windows of them, each pixel as it is in the file"]
        elif survey.pictures < _FEW and side >= 2 * self._size and self._decodes_fast:
            values["smallest_crop"] = 0.5
            reasons = ["Few pictures: squares of all sizes from half of the largest one"]
        elif not self._decodes_fast and survey.pictures * self._decoding < self._seconds / 5:
            values["cache_dir"] = cache
            reasons.append("large files are decoded once, before the training")
        are_few_photographs = survey.pictures < _FEW and side >= _LARGE and not survey.alpha
        if are_few_photographs and "flip" not in self._given:
            values["flip"] = True
            reasons.append("few photographs, so half of them are mirrored")
        if not self._decodes_fast and "cache_dir" not in {**values, **self._given}:
            reasons.append("such large files take long to decode: smaller ones train faster")
        if "bad_images" not in self._given:
            values["bad_images"] = "skip"
            reasons.append("damaged files are named and left out")
        return Choice(f"{'; '.join(reasons)}.", values)

    @property
    def _different_pictures(self) -> float:
        """Number of pictures; a part of a picture counts as one."""
        survey = self._survey
        if self._input.get("crop") == "window":
            return survey.pictures * float(np.mean(np.prod(survey.sizes, axis=1))) / self._size**2
        crops = _CROPS_OF_A_PICTURE if self._input.get("smallest_crop", 1) < 1 else 1
        return survey.pictures * crops

    def _largest_network(self) -> Network:
        able = [n for n in NETWORKS if self._fits(n) and self._steps_in_time(n) >= _STEPS]
        return able[-1] if able else NETWORKS[0]

    def _fits(self, network: Network) -> bool:
        """Whether there are enough pictures for a network."""
        return network.weights <= _WEIGHTS_OF_A_PICTURE * self._different_pictures

    def _model(self) -> Choice:
        larger = NETWORKS[NETWORKS.index(self._network) + 1 :]
        if not larger:
            why = "it is the largest of those to choose from"
        elif self._fits(larger[0]):
            why = f"a larger one would have fewer than {_STEPS:,} steps in {self._in_minutes}"
        else:
            why = "a larger one could memorise so few pictures"
        if self._survey.is_drawn:
            distribution = "anchored_softmax"
            looks = " Areas of one colour: single intensities are frequent."
        else:
            distribution = "logistic_mixture"
            looks = " Few areas of one colour: intensities are near those of their neighbours."
        if "intensity_distribution" in self._given:
            looks = ""
        return Choice(
            f"A network of {self._network.weights / 1e6:.1f} million weights: {why}.{looks}",
            {
                "system": "spn",
                "upscaling": "none",
                "intensity_distribution": distribution,
                **self._network.flags(),
            },
        )

    def _length(self) -> Choice:
        expected = f"about {self._steps:,} steps on this machine"
        steps = self._steps
        if "steps" in self._given:
            limit = f", or {self._in_minutes}" if self._minutes else ""
            reason = f"The training ends after the given steps{limit}"
        elif steps == self._limit:
            reason = (
                f"{expected[0].upper()}{expected[1:]}, in less than {self._in_minutes}: "
                f"more would memorise so few pictures"
            )
        elif self._minutes:
            steps = 1_000_000
            reason = f"The training ends after {self._in_minutes}, over all resumes: {expected}"
        else:
            reason = f"As many steps as {self._in_minutes} have on this machine"
        return Choice(
            f"{reason}.",
            {"max_minutes": self._minutes, "steps": steps, "batch_size": self._batch},
        )

    def _rates(self) -> Choice:
        values: dict[str, Any] = {
            "optimizer": "muon",
            "learning_rate": (1e-2 if self._batch > _SMALL_BATCH else 5e-3,),
            "learning_rate_decay": "linear",
            "warmup": 50,
            "clip_norm": 1.0,
            "polyak_share": 0.03,
        }
        if {"optimizer", "learning_rate_boundaries", "rmsprop_start"} & self._given.keys():
            values = {}  # a schedule or an optimizer of the user's own
        reason = "Muon, at a rate for short trainings."
        if "learning_rate_decay" not in self._given:
            reason = (
                "The rate falls to zero over the training, whatever its length, so that it ends "
                "converged."
            )
        return Choice(reason, values)

    def _parallelism(self) -> Choice:
        parts = self._machine.parts
        values = {"jit_compile": False, "intra_op_threads": 1, "batch_parts": parts}
        return Choice("Each core computes a part of a batch.", values if parts > 1 else {})

    def _intervals(self) -> Choice:
        def every(share: float, at_least: int = 1) -> int:
            return max(at_least, _rounded(share * self._steps))

        return Choice(
            "Often enough to watch, seldom enough to cost little.",
            {
                "checkpoint_every": every(min(1 / 3, 120 / self._seconds)),
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
