"""What each command can be asked for, apart from the settings of the experiment."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from cascade_tf.settings import Settings, setting

STRATEGIES = ("auto", "single", "mirrored")
ALL_STRATEGIES = (*STRATEGIES, "multiworker", "tpu")  # the others are for training
TRUNCATION_KINDS = ("scale", "truncate")


def _strategy(choices: tuple[str, ...]) -> str:
    return setting("auto", "How to use several devices.", choices=choices, group="training")


def _inception(help: str) -> str | None:
    weights = "classify_image_graph_def.pb, or the archive of TorchScript."
    return setting(None, f"{help}: {weights}")


@dataclasses.dataclass(frozen=True)
class Options(Settings):
    """Of every command.

    Attributes:
        given: names of the options that the user gave.
    """

    workdir: str | None = setting(None, "Directory of the experiment.", group="output")
    given: frozenset[str] = frozenset()

    def is_given(self, name: str) -> bool:
        """Whether the user gave an option."""
        return name in self.given


@dataclasses.dataclass(frozen=True)
class TrainOptions(Options):
    """Of `train`."""

    stage: str | None = setting(None, "Train this stage only.", group="training")
    strategy: str = _strategy(ALL_STRATEGIES)
    tpu: str = setting("", "Name or address of the TPU; empty: that of this machine.")
    split: str | None = setting(
        None, "Images to train on; by default train, or as recorded.", choices=("train", "all")
    )
    distance_images: int = setting(
        0,
        "At evaluations, compare so many samples with held-out images; 0: none.",
        at_least=0,
    )
    inception: str | None = _inception("Weights of the Inception network, for FID")


@dataclasses.dataclass(frozen=True)
class TruncationOptions(Options):
    """Of every command that samples from a GAN."""

    truncation_kind: str = setting(
        "scale",
        "Truncation of a GAN: scale multiplies its noise, truncate draws it from a normal that is "
        "cut off.",
        choices=TRUNCATION_KINDS,
    )
    standing_batches: int = setting(
        16,
        "Batches of samples whose means are a GAN's batch statistics; 0: running means of "
        "training.",
        at_least=0,
    )


@dataclasses.dataclass(frozen=True)
class EvaluateOptions(TruncationOptions):
    """Of `evaluate`."""

    split: str = setting(
        "test", "Images to evaluate on.", choices=("train", "test", "all"), group="data"
    )
    num_images: int | None = setting(
        None, "Evaluate on the first so many images.", at_least=1, group="data"
    )
    codecs: bool = setting(
        True, "Also print bits/dim of PNG and WebP on the same images.", group="output"
    )
    strategy: str = _strategy(STRATEGIES)
    num_samples: int | None = setting(
        None,
        "Samples to compare with images; by default as many as images.",
        at_least=2,
        group="output",
    )
    truncations: tuple[float, ...] | None = setting(
        None, "Compare samples at each of these truncations; by default at 1.", at_least=0
    )
    inception: str | None = _inception(
        "Weights of the Inception network, for FID (without them features are of pixels)"
    )
    reference: str | None = setting(
        None, "Compare with the statistics in this .npz, not with the split."
    )
    save_reference: str | None = setting(None, "Write the statistics of the split to this .npz.")
    all_checkpoints: bool = setting(False, "Also compare at each checkpoint that is kept.")
    compare_images: str | None = setting(
        None, "Also compare the images of this folder, as they are and decoded."
    )
    output_dir: str | None = setting(
        None, "Directory of evaluation.json and the plots.", group="output"
    )
    overwrite: bool = setting(False, "Replace such files.", group="output")

    # The options that compare samples with images.
    COMPARISONS: ClassVar[Sequence[str]] = (
        "num_samples",
        "truncations",
        "inception",
        "reference",
        "save_reference",
        "all_checkpoints",
        "compare_images",
        "output_dir",
        "overwrite",
    )


@dataclasses.dataclass(frozen=True)
class SampleOptions(TruncationOptions):
    """Of `sample`."""

    num_samples: int = setting(16, "Number of images.", at_least=1, group="output")
    temperature: tuple[float, ...] = setting(
        (1.0,),
        "Divides the logits: one number for all stages, or one for each.",
        at_least=0,
        group="model",
    )
    classes: tuple[int, ...] | None = setting(
        None,
        "Classes to sample in turn; by default drawn at random.",
        at_least=0,
        group="model",
    )
    truncation: float = setting(
        1.0, "Truncation of a GAN's noise; 1 is all of it.", at_least=0, group="model"
    )
    interpolate: str | None = setting(
        None,
        "Sample lines, each between two noises or between two classes.",
        choices=("noise", "class"),
    )
    line_images: int = setting(8, "Images of such a line.", at_least=2)
    from_images: str | None = setting(
        None,
        "Upscale the small or low-bit images of this folder; not-so-BigGAN: decode small ones, or "
        "encode and decode those of full size.",
        group="data",
    )
    draws: int = setting(1, "Samples from each of these images.", at_least=1, group="data")
    given_bits: int | None = setting(
        None,
        "Bits of these images to keep; by default all of a small image, and of one of full size "
        "those that the last stage is given.",
    )
    strategy: str = _strategy(STRATEGIES)
    output_dir: str | None = setting(None, "Directory of the files.", group="output")
    overwrite: bool = setting(False, "Replace files that are there already.", group="output")


@dataclasses.dataclass(frozen=True)
class ExportOptions(TruncationOptions):
    """Of `export`."""

    output_dir: str | None = setting(None, "Directory of the SavedModel.", group="output")
    overwrite: bool = setting(False, "Replace a SavedModel that is there already.", group="output")
