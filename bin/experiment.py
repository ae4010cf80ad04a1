"""The flags of an experiment, its recorded ones, and the stages they make.

Read this for what can be set; `spn_tf/config.py` and the other dataclasses say what each
value means to the code.
"""

import dataclasses
import functools
import pathlib
from typing import Any

import tensorflow as tf
from absl import flags

import scoped_flags
from cascade_tf import record
from cascade_tf.data import DataConfig
from cascade_tf.errors import UsageError, UserError
from cascade_tf.stage import Stage
from cascade_tf.stage_state import StageState, has_checkpoint
from cascade_tf.training_config import TrainingConfig
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage, SPNTrainingConfig

FLAGS = flags.FLAGS

_MODEL, _TRAINING, _FREE = "model", "training", "free"
# By flag: its parser and what it decides. A workdir keeps to the flags of its model always; to
# those of its training while it is trained; free ones may change at every resume.
_parsers: dict[str, flags.ArgumentParser] = {}
_decides: dict[str, str] = {}


def _define(
    name: str,
    default: Any,
    help_text: str,
    decides: str,
    scoped: bool = True,
    parser: flags.ArgumentParser | None = None,
    at_least: int | None = None,
) -> None:
    if parser is None:
        parsers: dict[type, flags.ArgumentParser] = {
            bool: flags.BooleanParser(),
            int: flags.IntegerParser(at_least),
            float: flags.FloatParser(at_least),
            str: flags.ArgumentParser(),
        }
        parser = parsers[type(default)]
    _parsers[name], _decides[name] = parser, decides
    scoped_flags.define(name, parser, default, help_text, scoped)


_whole = functools.partial(_define, scoped=False)
_whole("system", "spn", "Model family.", _MODEL, parser=flags.EnumParser(["spn"]))
_whole(
    "upscaling",
    "none",
    "Steps in which an image grows (SPN paper, Figure 3).",
    _MODEL,
    parser=flags.EnumParser(["none"]),
)
_whole("image_size", 32, "Side of the square images, in pixels.", _MODEL)
_whole("channels", 3, "1 (grey) or 3 (colour).", _MODEL)
_whole("bits", 8, "Bit depth of the images, 1 to 8.", _MODEL)
_whole("scale", 4, "Subscale factor S; 1 is the decoder baseline.", _MODEL)
_whole("dataset", "", "digits, photos, folder, or a name in TFDS.", _TRAINING)
_whole("flip", False, "Flip training images left to right at random.", _TRAINING)
_whole(
    "seed",
    0,
    "Of initial weights and all random draws of training.",
    _TRAINING,
    parser=flags.IntegerParser(0, 2**31 - 1),
)
_whole("data_dir", "", "Folder of pictures, or of TFDS datasets.", _FREE)

_SPN_HELP = {
    "pixelcnn_layers": "Gated layers of the decoder.",
    "pixelcnn_filter_size": "Filter size of the PixelCNN.",
    "pixelcnn_conv_channels": "Units before each gate of the PixelCNN.",
    "pixelcnn_residual_channels": "Residual stream of the PixelCNN.",
    "decoder_attention_layers": "Masked self-attention layers of the decoder.",
    "decoder_attention_heads": "Attention heads of the decoder.",
    "decoder_attention_channels": "Attention channels per head of the decoder.",
    "embedder_conv_layers": "Residual blocks of the slice embedder.",
    "embedder_filter_size": "Filter size of the slice embedder.",
    "embedder_conv_channels": "Units inside each residual block.",
    "embedder_residual_channels": "Residual stream of the slice embedder.",
    "embedder_attention_layers": "Self-attention layers of the slice embedder.",
    "embedder_attention_heads": "Attention heads of the slice embedder.",
    "embedder_attention_channels": "Attention channels per head of the slice embedder.",
    "attention_ffn": "Feed-forward layer: parameter_attention or dense.",
    "ffn_size": "Rows of parameter_attention, or hidden units of the dense layer.",
    "dropout": "Rate of dropout on residual branches of attention stacks.",
}
for _field in dataclasses.fields(SPNConfig):
    if _field.name in _SPN_HELP:
        _can_be_zero = _field.name in (
            "decoder_attention_layers",
            "embedder_attention_layers",
            "embedder_conv_layers",
            "dropout",
        )
        _define(
            _field.name,
            _field.default,
            _SPN_HELP[_field.name],
            _MODEL,
            at_least=0 if _can_be_zero else 1,
        )

_define("batch_size", 32, "Images of a step, over all replicas.", _TRAINING, at_least=1)
_define(
    "learning_rate",
    (5e-5,),
    "One rate, or a piecewise-constant schedule: rate,rate,...",
    _TRAINING,
    parser=scoped_flags.NumbersParser(),
)
_define(
    "learning_rate_boundaries",
    (),
    "Steps at which the next rate begins.",
    _TRAINING,
    parser=scoped_flags.NumbersParser(int),
)
_define("rmsprop_momentum", 0.9, "Momentum of RMSProp.", _TRAINING)
_define("rmsprop_decay", 0.95, "Decay of RMSProp's mean of squares.", _TRAINING)
_define("rmsprop_epsilon", 1e-8, "Epsilon of RMSProp.", _TRAINING)
_define("polyak_decay", 0.9999, "Decay of the averaged weights.", _TRAINING)
_define("clip_norm", 0.0, "Largest norm of the gradient; 0: no clipping.", _TRAINING, at_least=0)
_define(
    "precision",
    "float32",
    "Of activations and products.",
    _TRAINING,
    parser=flags.EnumParser(["float32", "bfloat16"]),
)
_define("jit_compile", True, "Compile training steps with XLA.", _FREE)
_define("steps", 1000, "Training steps.", _FREE)
_define("max_minutes", 0.0, "Stop training after so long, resumes included; 0: never.", _FREE)
_define("checkpoint_every", 1000, "Steps between checkpoints.", _FREE)
_define("summary_every", 50, "Steps between points of the training curves.", _FREE)
_define("evaluate_every", 1000, "Steps between held-out evaluations; 0: none.", _FREE)
_define("evaluate_images", 256, "Held-out images of such an evaluation.", _FREE, at_least=1)
_define("sample_every", 0, "Steps between sample grids in TensorBoard; 0: none.", _FREE)
_define("sample_images", 16, "Images of such a grid.", _FREE, at_least=1)

flags.DEFINE_string("workdir", None, "Directory of the experiment.")


class Experiment:
    """The experiment that the command line and the records of its workdir describe.

    Args:
        training: whether the flags of training, too, must be those recorded.

    Raises:
        UserError: flags that differ from the records.
        UsageError: values that cannot work.
    """

    def __init__(self, training: bool = False):
        if not FLAGS.workdir:
            raise UsageError("--workdir is missing: name the experiment's directory")
        self.workdir = pathlib.Path(FLAGS.workdir).expanduser()
        self.recorded_stages = record.recorded_stages(self.workdir)
        self._training = training
        self.stage_names = ["spn"]
        for name in _decides:
            for scope in sorted(scoped_flags.scopes(name) - set(self.stage_names)):
                raise UsageError(
                    f"--{name}={scope}:...: there is no stage {scope}; "
                    f"the stages are {', '.join(self.stage_names)}"
                )

    def directory(self, stage: str) -> pathlib.Path:
        """Where the stage's record, checkpoints and summaries lie."""
        return self.workdir / stage

    @functools.cache  # noqa: B019 one Experiment lives as long as the process
    def values(self, stage: str) -> dict[str, Any]:
        """Flag values of a stage by name: as given, else as recorded, else the default."""
        recorded = self._recorded(stage)
        values, given = {}, {}
        for name, parser in _parsers.items():
            present, values[name] = scoped_flags.value(name, stage)
            if present:
                given[name] = scoped_flags.text(values[name])
            elif name in recorded:
                values[name] = self._parse(stage, name, parser, recorded[name])
        fixed = (_MODEL, _TRAINING) if self._training else (_MODEL,)
        kept = [name for name, decides in _decides.items() if decides in fixed]
        if has_checkpoint(self.directory(stage)):  # else nothing was trained with these flags
            record.check_same(self.directory(stage), recorded, given, kept)
        return values

    def _recorded(self, stage: str) -> dict[str, str]:
        return record.load_record(self.directory(stage)) or {}

    def _parse(self, stage: str, name: str, parser: flags.ArgumentParser, text: str) -> Any:
        try:
            return parser.parse(text)
        except ValueError as error:
            path = self.directory(stage) / record.NAME
            raise UserError(f"--{name}={text} in {path}: {error}") from error

    def record(self, stage: str) -> dict[str, str]:
        """What is recorded of a stage's flags."""
        values = self.values(stage)
        values = values | {"data_dir": _from_anywhere(values["data_dir"])}
        return {name: scoped_flags.text(value) for name, value in values.items()}

    def data(self, stage: str) -> DataConfig:
        v = self.values(stage)
        if not v["dataset"]:
            raise UsageError(
                "--dataset is missing: use a flagfile of configs/, or digits, photos, folder, "
                "or a name in TFDS"
            )
        if v["image_size"] < 1:
            raise UsageError(f"--image_size={v['image_size']}: use 1 or more")
        return DataConfig(
            dataset=v["dataset"],
            data_dir=v["data_dir"] or None,
            image_size=v["image_size"],
            channels=v["channels"],
            flip=v["flip"],
            seed=v["seed"],
        )

    def training(self, stage: str) -> TrainingConfig:
        return _from_values(TrainingConfig, self.values(stage))

    def training_split(self, stage: str) -> str:
        """The images a stage is trained on: `--split` of bin/train, else as recorded."""
        recorded = self._recorded(stage)
        if not FLAGS["split"].present:
            return recorded.get("split", FLAGS.split)
        if has_checkpoint(self.directory(stage)):
            record.check_same(self.directory(stage), recorded, {"split": FLAGS.split}, ["split"])
        return FLAGS.split

    def require_held_out(self, stage: str) -> None:
        """Raises UserError if the stage was trained on the images it would be tested on."""
        other = any(scoped_flags.value(name, stage)[0] for name in ("dataset", "data_dir"))
        if self._recorded(stage).get("split") == "all" and not other:
            raise UserError(
                f"{self.directory(stage)} was trained with --split=all, so no image is held out: "
                f"evaluate with --split=all, or on another --dataset"
            )

    def make_stage(self, stage: str) -> Stage:
        v = self.values(stage)
        config = _from_values(SPNConfig, v | {"height": v["image_size"], "width": v["image_size"]})
        training = _from_values(SPNTrainingConfig, v | {"learning_rates": v["learning_rate"]})
        return SPNStage(stage, config, training)

    def inference_batch_size(self, stage: str) -> int:
        """As given; else that of training, but no more than a small machine can hold."""
        given, size = scoped_flags.value("batch_size", stage)
        return size if given else min(32, self.values(stage)["batch_size"])

    def sampling_seed(self) -> int:
        """As given, else 0: the recorded seed is that of training."""
        given, seed = scoped_flags.value("seed", None)
        return seed if given else 0

    def load_state(self, stage: str, strategy: tf.distribute.Strategy) -> StageState:
        """A stage with the averaged weights of its newest checkpoint."""
        state = StageState.create(
            self.make_stage(stage), self.training(stage), self.directory(stage), strategy
        )
        state.restore_averages()
        return state

    def load_stages(self) -> list[Stage]:
        """All stages in order, with averaged weights, on one device."""
        strategy = tf.distribute.get_strategy()
        return [self.load_state(name, strategy).stage for name in self.stage_names]

    def require_trained(self) -> None:
        """Raises UserError unless the workdir holds every stage's record and a checkpoint."""
        if not self.workdir.is_dir():
            raise UserError(f"there is no workdir {self.workdir}: train it first with bin/train")
        for stage in self.stage_names:
            if stage not in self.recorded_stages or not has_checkpoint(self.directory(stage)):
                raise UserError(
                    f"{self.workdir} holds no trained stage {stage}: train it first with "
                    f"bin/train --workdir={self.workdir} --flagfile=..."
                )


def _from_anywhere(path: str) -> str:
    """A path that means the same in any working directory; gs:// and the like as they are."""
    return path if "://" in path or not path else str(pathlib.Path(path).expanduser().absolute())


def _from_values(kind: type, values: dict[str, Any]) -> Any:
    """A dataclass from the flags that have its fields' names."""
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in names})
