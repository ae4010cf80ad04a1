"""Options of each command, beside the settings of the experiment."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import ClassVar

from cascade_tf.choices import ALL_STRATEGIES, LARGEST_TRUNCATION, STRATEGIES, TRUNCATION_KINDS
from cascade_tf.errors import UsageError
from cascade_tf.hardware.targets import TARGETS
from cascade_tf.settings import Settings, setting


def _strategy(choices: tuple[str, ...]) -> str:
    return setting("auto", "How to use several devices.", choices=choices, group="training")


def _inception(help: str, group: str = "") -> str | None:
    weights = "classify_image_graph_def.pb, or the TorchScript archive."
    return setting(None, f"{help}: {weights}", group=group)


@dataclasses.dataclass(frozen=True)
class Options(Settings):
    """Options of every command.

    Attributes:
        given: names of the options that the user set.
    """

    workdir: str | None = setting(None, "Directory of the experiment.", group="output")
    given: frozenset[str] = frozenset()

    def is_given(self, name: str) -> bool:
        """Whether the user set an option."""
        return name in self.given


@dataclasses.dataclass(frozen=True)
class TrainOptions(Options):
    """Options of `train`.

    Attributes:
        chosen: text of the flagfile to write beside a training whose settings were chosen
            automatically; empty for others.
    """

    stage: str | None = setting(
        None,
        "Train one stage only: spn, slice, size, depth, depth3; base, up8, ...; prior, to64, ...; "
        "autoencoder, top, bottom.",
        group="training",
    )
    strategy: str = _strategy(ALL_STRATEGIES)
    tpu: str = setting("", "Name or address of the TPU; empty: this machine's.")
    split: str | None = setting(
        None, "Images to train on; by default train, or as recorded.", choices=("train", "all")
    )
    distance_images: int = setting(
        0,
        "Samples to compare with held-out images at each evaluation; 0: none.",
        at_least=0,
    )
    inception: str | None = _inception(
        "Weights of the Inception network, for FID, and for perceptual losses (the archive)"
    )
    lowered_state: str | None = setting(
        None,
        "Continue from this state.npz, which examples/train_lowered.py wrote; with `stage`.",
    )
    report: bool = setting(
        True, "When the training ends, evaluate held-out images and draw 16 samples."
    )
    chosen: str = ""


@dataclasses.dataclass(frozen=True)
class CompareOptions(Options):
    """Options of `compare`.

    >>> CompareOptions(workdir="W", configs=("a/one.flags", "b/one.flags")).flagfiles()
    Traceback (most recent call last):
    ...
    cascade_tf.errors.SettingError: configs=a/one.flags,b/one.flags: two have the name one
    """

    configs: tuple[str, ...] | None = setting(
        None, "Flagfiles of the models, with commas between them.", group="model"
    )
    num_images: int = setting(500, "Held-out images to evaluate.", at_least=1, group="data")
    num_samples: int = setting(8, "Samples of each model.", at_least=1, group="output")

    def flagfiles(self) -> dict[str, str]:
        """The flagfiles by the names of their models; raises UsageError if there are none."""
        if not self.configs:
            raise UsageError("`configs` is missing: name the flagfiles of the models")
        by_name: dict[str, str] = {}
        for config in self.configs:
            name = pathlib.PurePath(config).stem
            if name in by_name:
                self.refuse(f"two have the name {name}", "configs")
            by_name[name] = config
        return by_name


@dataclasses.dataclass(frozen=True)
class TrainedOptions(Options):
    """Options of every command that uses a trained model.

    >>> TrainedOptions(workdir="W", model="digits")
    Traceback (most recent call last):
    ...
    cascade_tf.errors.SettingError: workdir=W model=digits: name one of the two
    """

    model: str | None = setting(
        None,
        "In place of a workdir: a model that comes with the package, or the directory of one.",
        group="output",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workdir and self.model:
            self.refuse("name one of the two", "workdir", "model")


@dataclasses.dataclass(frozen=True)
class TruncationOptions(TrainedOptions):
    """Options of every command that samples from a GAN."""

    truncation_kind: str = setting(
        "scale",
        "Truncation of a GAN's noise: scale multiplies it by the level, so that 1 is the whole "
        "noise; truncate draws it from a normal cut off at the level, so that 1 is a part of it.",
        choices=TRUNCATION_KINDS,
    )
    standing_batches: int = setting(
        16,
        "Batches of 64 samples to average a GAN's batch statistics over, or as many samples in "
        "batches of a smaller `batch_size`; 0: use the running means of training.",
        at_least=0,
    )


@dataclasses.dataclass(frozen=True)
class EvaluateOptions(TruncationOptions):
    """Options of `evaluate`."""

    split: str = setting(
        "test", "Images to evaluate on.", choices=("train", "test", "all"), group="data"
    )
    num_images: int | None = setting(
        None, "Evaluate on this many images, the first ones.", at_least=1, group="data"
    )
    codecs: bool = setting(
        True, "Also print bits/dim of PNG, WebP and JPEG XL on the same images.", group="output"
    )
    archive: bool = setting(
        False,
        "Also print bits/dim of an archive of these images.",
        group="output",
    )
    strategy: str = _strategy(STRATEGIES)
    num_samples: int | None = setting(
        None,
        "Samples of a GAN or prior to compare with images; by default as many as images.",
        at_least=4,
        group="output",
    )
    truncations: tuple[float, ...] | None = setting(
        None,
        "Compare samples at these levels of truncation; by default at 1.",
        at_least=0,
        at_most=LARGEST_TRUNCATION,
    )
    inception: str | None = _inception(
        "Weights of the Inception network, for FID (without them, features of pixels are used)",
        group="output",
    )
    inception_features: str = setting(
        "pool",
        "Features of Inception: those after its last pooling, for FID, or those of places, for "
        "sFID.",
        choices=("pool", "spatial"),
    )
    extractor: str | None = setting(
        None,
        "Compare features of this network instead: a SavedModel of images [N, H, W, 3] to [N, D], "
        "or a file of jax.export.",
    )
    reference: str | None = setting(
        None, "Compare with the statistics in this .npz, not with the split."
    )
    save_reference: str | None = setting(None, "Write the statistics of the split to this .npz.")
    all_checkpoints: bool = setting(
        False, "Also compare samples of each kept checkpoint, at truncation 1."
    )
    compare_images: str | None = setting(
        None, "Also compare the images of this folder, and their reconstructions."
    )
    nearest: int = setting(
        0,
        "Show this many samples beside the nearest training images, the nearest first.",
        at_least=0,
        group="output",
    )
    class_shares: str = setting(
        "images",
        "Classes of samples: in the proportion of the images, or drawn evenly at random.",
        choices=("images", "even"),
    )
    output_dir: str | None = setting(
        None, "Directory of evaluation.json and the plots; by default the workdir.", group="output"
    )
    overwrite: bool = setting(False, "Replace existing files.", group="output")

    # The options that compare samples with images.
    COMPARISONS: ClassVar[Sequence[str]] = (
        "num_samples",
        "truncations",
        "inception",
        "inception_features",
        "extractor",
        "reference",
        "save_reference",
        "all_checkpoints",
        "compare_images",
        "nearest",
        "class_shares",
    )


@dataclasses.dataclass(frozen=True)
class SampleOptions(TruncationOptions):
    """Options of `sample`.

    >>> SampleOptions(workdir="W", draws=0)
    Traceback (most recent call last):
    ...
    cascade_tf.errors.SettingError: draws=0: use 1 or more
    """

    num_samples: int = setting(16, "Number of images.", at_least=1, group="output")
    temperature: tuple[float, ...] = setting(
        (1.0,),
        "Divides the logits, or multiplies a flow's noise: one number for all stages, or one for "
        "each that draws.",
        at_least=0,
        group="model",
    )
    classes: tuple[str, ...] | None = setting(
        None,
        "Names or numbers of the classes to sample in turn; by default drawn at random.",
        group="model",
    )
    truncation: float = setting(
        1.0,
        "Level of a GAN's truncation; 1 is none if --truncation_kind=scale, but not if truncate.",
        at_least=0,
        at_most=LARGEST_TRUNCATION,
        group="model",
    )
    interpolate: str | None = setting(
        None,
        "Sample lines, each between two noises or between two classes.",
        choices=("noise", "class"),
    )
    line_images: int = setting(8, "Images of each line.", at_least=2)
    from_images: str | None = setting(
        None,
        "Upscale the small or low-bit images of this folder. not-so-BigGAN: decode small images, "
        "reconstruct full-size ones. VQ-VAE-2: reconstruct images.",
        group="data",
    )
    draws: int = setting(1, "Samples for each of these images.", at_least=1, group="data")
    given_bits: int | None = setting(
        None,
        "Most significant bits of these images to keep; by default all of small images, and the "
        "coarse bits of the last stage of full-size ones.",
    )
    strategy: str = _strategy(STRATEGIES)
    output_dir: str | None = setting(None, "Directory of the files.", group="output")
    overwrite: bool = setting(False, "Replace existing files.", group="output")


@dataclasses.dataclass(frozen=True)
class ExportOptions(TruncationOptions):
    """Options of `export`."""

    format: str = setting(
        "saved_model",
        "saved_model: a program for TensorFlow alone. safetensors: float16 weights with a card, "
        "for --model. stablehlo: programs for jax and other compilers. onnx, tflite: the functions "
        "that do not sample, for ONNX Runtime or LiteRT. stablehlo, onnx and tflite are of "
        "`batch_size` images.",
        choices=("saved_model", "safetensors", "stablehlo", "onnx", "tflite"),
        group="output",
    )
    output_dir: str | None = setting(None, "Directory of the exported model.", group="output")
    overwrite: bool = setting(False, "Replace an existing SavedModel.", group="output")


@dataclasses.dataclass(frozen=True)
class CompileOptions(Options):
    """Options of `compile`."""

    target: str = setting(
        "tpu-v3", "Device to compile for.", choices=tuple(TARGETS), group="training"
    )
    what: str = setting(
        "train",
        "Whole training steps, steps of evaluation, or samples.",
        choices=("train", "evaluate", "sample"),
        group="training",
    )
    devices: tuple[int, ...] = setting(
        (1,),
        "Devices that share a batch: one number for all stages, or one for each.",
        at_least=1,
        group="training",
    )
    search: bool = setting(
        True, "Also search the largest batch that fits, by compiling several.", group="output"
    )


@dataclasses.dataclass(frozen=True)
class LowerOptions(Options):
    """Options of `lower`."""

    stage: str | None = setting(None, "The stage, if there are several.", group="training")
    num_examples: int | None = setting(
        None,
        "Examples to write, the next ones of the training; by default as many as there are images.",
        at_least=1,
        group="data",
    )
    output_dir: str | None = setting(None, "Directory of the step.", group="output")


@dataclasses.dataclass(frozen=True)
class CompressOptions(TrainedOptions):
    """Options of `compress`."""

    from_images: str | None = setting(None, "Folder of the pictures.", group="data")
    output: str | None = setting(
        None, "The archive to write; with `each`, a folder of archives.", group="output"
    )
    each: bool = setting(False, "Write an archive for each picture.", group="output")
    names: bool = setting(True, "Keep the names of the files.", group="output")
    verify: bool = setting(
        True, "Decode and compare; what does not come back is kept as a file.", group="output"
    )
    portable: bool = setting(
        False,
        "Compute in float64, so that processors with other instructions and other versions of "
        "TensorFlow can read the archive. That takes up to three times as long.",
        group="training",
    )
    overwrite: bool = setting(False, "Replace existing files.", group="output")


@dataclasses.dataclass(frozen=True)
class DecompressOptions(TrainedOptions):
    """Options of `decompress`."""

    input: str | None = setting(None, "The archive, or a folder of archives.", group="data")
    stage: str | None = setting(
        None,
        "Stop at this stage of a cascade: slice, depth3, up8, ...: small pictures, or coarse ones.",
        group="model",
    )
    output_dir: str | None = setting(None, "Directory of the pictures.", group="output")
    overwrite: bool = setting(False, "Replace existing files.", group="output")
