"""What a folder of pictures alone implies: its dataset, its workdir, and a choice of the rest."""

import os
import re
from collections.abc import Iterable

from etils import epath

from cascade_cli import flagfiles
from cascade_cli.options import TrainOptions
from cascade_tf.data.config import DataConfig
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.files import WILDCARDS
from cascade_tf.given_settings import GivenSettings
from cascade_tf.record import load_record, recorded_stages
from cascade_tf.settings import entries
from cascade_tf.training_config import TrainingConfig
from spn_tf.training_config import SPNTrainingConfig

# With any other setting, the user describes a model, and nothing is chosen.
_NO_MODEL = {*entries([DataConfig, TrainingConfig, SPNTrainingConfig])}
_NO_MODEL |= {"bits", "scale", "num_classes", "dropout", "convolution_dropout"}
_NO_MODEL |= {"intensity_distribution", "mixture_components"}
_NO_MODEL.remove("init_from")  # whose workdir has a model


def default_flags(options: TrainOptions, given: GivenSettings) -> list[str]:
    """The flags `dataset` and `workdir`, as far as the user names only a folder of pictures.

    >>> given = GivenSettings({"data_dir": [(None, "photos/cats")]})
    >>> default_flags(TrainOptions(), given)
    ['--workdir=runs/cats', '--dataset=folder']

    Raises:
        UsageError: the default workdir holds a training of another folder.
    """
    own = given.for_stage(None)
    if not own.get("data_dir") or own.get("dataset", "folder") != "folder":
        return []
    flags, workdir = [], options.workdir
    if workdir is None:
        workdir = _default_workdir(own["data_dir"])
        flags.append(f"--workdir={workdir}")
    if "dataset" not in own and not recorded_stages(epath.Path(workdir).expanduser()):
        flags.append("--dataset=folder")
    return flags


def _default_workdir(data_dir: str) -> str:
    """runs/NAME, where NAME is that of the folder, without wildcards."""
    name = os.path.basename(os.path.abspath(os.path.expanduser(data_dir)))
    name = re.sub(f"[{re.escape(WILDCARDS)}\\]]", "_", name)
    workdir = epath.Path("runs") / (name or "pictures")
    for stage in recorded_stages(workdir):
        other = (load_record(workdir / stage) or {}).get("data_dir", "")
        if _resolved(other) != _resolved(data_dir):
            raise UsageError(
                f"{workdir} holds a training of {other or 'another dataset'}: "
                f"name another directory by `workdir`"
            )
    return os.fspath(workdir)


def _resolved(path: str) -> str:
    return path.rstrip("/") if "://" in path else os.path.realpath(os.path.expanduser(path))


def choice_is_wanted(arguments: list[str], experiment: Experiment, flags: Iterable[str]) -> bool:
    """Whether the network and its training are to be chosen, since the user describes neither.

    That is so for an untrained workdir and a folder of pictures, without a flagfile and without
    settings of a model other than the images' size, channels, bits, scale and classes, dropout, and
    the distribution of intensities.

    Args:
        arguments: of the command line.
        experiment: with the user's settings.
        flags: names of all flags of the command.
    """
    given = {name for name in flags if name in experiment.given}
    return (
        "data_dir" in given
        and experiment.given.for_stage(None).get("dataset") == "folder"
        and given <= _NO_MODEL
        and not flagfiles.is_given(arguments)
        and not any(map(experiment.recorded, experiment.stage_names))
    )
