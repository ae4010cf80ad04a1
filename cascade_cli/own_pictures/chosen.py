"""Chooses the settings for a folder of pictures, and writes them as a flagfile."""

import dataclasses
import os
import shlex
import sys
import textwrap
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_cli.options import TrainOptions
from cascade_cli.own_pictures.choice import BATCHES, Choice, choose
from cascade_cli.own_pictures.speed import measured_machine
from cascade_cli.own_pictures.survey import SAMPLE, Survey, survey
from cascade_tf.data import open_source
from cascade_tf.data.folder_listing import Listing, list_folder
from cascade_tf.errors import UsageError, text
from cascade_tf.experiment import Experiment
from cascade_tf.strategies import set_intra_op_threads

CHOSEN_FLAGS = "chosen.flags"
_WIDTH = 99


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Settings for a folder of pictures.

    Attributes:
        flags: of the settings that the user did not give.
        flagfile: text of a flagfile of the whole experiment.
        listing: of the folder. While it is referred to, the folder is not listed again.
    """

    flags: list[str]
    flagfile: str
    listing: Listing


def choose_settings(experiment: Experiment, options: TrainOptions) -> Chosen:
    """Looks at the folder, measures the machine, and chooses.

    Args:
        experiment: with the user's settings, among them a folder of pictures.
        options: of the command.

    Raises:
        UserError: there are no pictures, or too few to split.
        UsageError: several machines train, which could choose differently; or the workdir holds
            a chosen flagfile without a training.
    """
    if os.environ.get("TF_CONFIG") and options.strategy in ("auto", "multiworker"):
        raise UsageError(
            f"workers of TF_CONFIG need equal settings: choose them on one machine, and train "
            f"with `flagfile`=WORKDIR/{CHOSEN_FLAGS}"
        )
    given = experiment.given.for_stage("spn")
    parts = _parts(given, options)
    set_intra_op_threads(given.get("intra_op_threads", int(parts > 1)))  # before TensorFlow starts
    path = experiment.workdir / CHOSEN_FLAGS
    if path.exists():
        raise UsageError(
            f"{path} exists, but no training of it: train with `flagfile`={path}, or remove it"
        )
    data = experiment.data("spn")
    source = open_source(data, options.split or "train")  # raises UserError if pictures lack
    folder = str(data.data_dir)
    held_out = os.path.expanduser(data.test_dir) if data.test_dir else None
    listing = list_folder(os.path.expanduser(folder), held_out)
    facts = _survey(listing, source.num_classes)
    print(f"{folder}: {facts.described}; measuring the machine for a second", file=sys.stderr)
    cache = os.fspath(experiment.workdir / "cache")
    choices = choose(facts, measured_machine(parts), given, cache)
    settings = {name: value for choice in choices for name, value in choice.values.items()}
    own = {name: getattr(options, name) for name in sorted(options.given - {"workdir"})}
    return Chosen(
        [f"--{name}={text(value)}" for name, value in settings.items()],
        _flagfile(experiment.workdir, facts, choices, given | own),
        listing,
    )


def _parts(given: Mapping[str, Any], options: TrainOptions) -> int:
    """Parts of a batch, one for each core; 1 if the cores share operations, or there is a GPU."""
    cores = os.cpu_count() or 1
    batches = [given["batch_size"]] if "batch_size" in given else BATCHES
    able = options.strategy == "auto" and not tf.config.list_physical_devices("GPU")
    own = not given.keys() & {"jit_compile", "intra_op_threads", "batch_parts"}
    return cores if able and own and all(size % cores == 0 for size in batches) else 1


def _survey(listing: Listing, classes: int) -> Survey:
    count = len(listing.paths)
    sample = np.random.default_rng(0).permutation(count)[:SAMPLE]
    paths = [os.fsdecode(path) for path in tf.gather(listing.paths, sample).numpy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata, and of many pixels
        return survey(paths, count, classes)


def _flagfile(
    workdir: epath.Path, facts: Survey, choices: list[Choice], given: Mapping[str, Any]
) -> str:
    """Text of the flagfile: the choices with their reasons, then what the user gave."""
    about = (
        f"Chosen for {facts.described}. To change it, edit a copy and train in another workdir: "
        f"a trained workdir keeps its settings."
    )
    path = shlex.quote(os.fspath(workdir / CHOSEN_FLAGS))
    head = [f"# cascade-tf train --flagfile={path}", "#", *_comment(about)]
    groups = [[*head, "", *_lines({"workdir": os.fspath(workdir)})]]
    groups += [[*_comment(choice.reason), *_lines(choice.values)] for choice in choices]
    groups += [["# As given on the command line, or implied by it.", *_lines(given)]]
    return "\n\n".join("\n".join(group) for group in groups) + "\n"


def _lines(values: Mapping[str, Any]) -> list[str]:
    lines = [f"--{name}={text(value)}" for name, value in values.items()]
    # Of values, only paths end in a space. Lines of flagfiles lose it.
    return [line if line == line.rstrip() else f"{line}/" for line in lines]


def _comment(words: str) -> list[str]:
    return textwrap.wrap(
        words,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
