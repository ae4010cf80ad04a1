"""Writes the directory of a model to give away: weights, records, held-out images and a card."""

import io
import json
import sys
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_cli import model_card
from cascade_cli.evaluation.likelihood import first_images
from cascade_cli.evaluation.report import FIGURES, FINGERPRINT
from cascade_cli.systems import FAMILIES
from cascade_cli.systems.system import System
from cascade_tf.checkpoint_files import WEIGHTS
from cascade_tf.class_record import NAME as CLASSES
from cascade_tf.data import Source, open_source
from cascade_tf.data.fingerprint import fingerprint
from cascade_tf.description import PATHS
from cascade_tf.errors import UsageError, UserError, with_flags
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, written_beside
from cascade_tf.record import save_record
from cascade_tf.stage_state import StageState
from cascade_tf.weights_file import write_weights

HELD_OUT = "held_out.npz"
_IMAGES = 16


def write_model(experiment: Experiment, system: System, output: epath.Path) -> None:
    """Writes a directory that `--model` and `spn_tf.load` take.

    It holds, for each stage, its record without paths, the names of its classes, if it has any, and
    its averaged weights in float16. If the images of the record can be read, `held_out.npz` has a
    few held-out ones, their classes, and their bits/dim by the weights as written.

    The directory is written beside `output` and renamed, so that it is never incomplete.

    Args:
        experiment: trained.
        system: of the experiment.
        output: a directory that does not exist, or is empty.

    Raises:
        UsageError: the model has no likelihood.
        UserError: it cannot be written.
    """
    if not system.has_likelihood:
        raise UsageError(
            f"`format`=safetensors is for Subscale Pixel Networks, not {experiment.described}"
        )
    states = experiment.load_states(tf.distribute.get_strategy())
    stages = [state.stage for state in states]
    make_directory(output.parent)
    source = _held_out(experiment, stages)
    with written_beside(output) as aside:
        for state in states:
            write_stage(experiment, state, aside, np.float16)
        if source is not None:
            _write_held_out(system, stages, source, aside)
        figures = _figures(experiment, states, source)
        card = model_card.card(output.name, experiment, states, figures)
        (aside / model_card.NAME).write_text(card)
    print(f"weights, records and a card: {output}")
    print(f"next: complete {output / model_card.NAME}, where it says {model_card.TODO}")


def write_stage(
    experiment: Experiment, state: StageState, model: epath.Path, dtype: type[np.floating]
) -> None:
    """Writes the record, classes and weights of a stage into its directory in a model's."""
    stage = state.stage
    directory = make_directory(model / stage.name)
    record = experiment.recorded(stage.name) | dict.fromkeys(PATHS, "")
    save_record(directory, record)
    classes = experiment.directory(stage.name) / CLASSES
    if stage.num_classes > 1 and classes.exists():
        classes.copy(directory / CLASSES)
    write_weights(directory / WEIGHTS, stage.networks(), int(state.step.numpy()), dtype)


def _held_out(experiment: Experiment, stages: Sequence) -> Source | None:
    """The held-out images of the record; None, and a line of why, if they cannot be read."""
    try:
        for stage in stages:
            experiment.require_held_out(stage.name)
        source = open_source(experiment.data_of_all_stages(), "test")
        experiment.require_classes_of(source)
    except UserError as error:
        print(f"export: no {HELD_OUT}: {with_flags(error.recorded)}", file=sys.stderr)
        return None
    return source


def _write_held_out(
    system: System, stages: Sequence, source: Source, directory: epath.Path
) -> None:
    """Writes images with their bits/dim, and prints how much float16 changes that."""
    images, classes = first_images(source, source.num_examples, _IMAGES)
    trained = system.bits_per_dim(stages, images, classes)
    written = system.bits_per_dim(Experiment(directory, FAMILIES).load_stages(), images, classes)
    archive = io.BytesIO()
    np.savez_compressed(archive, images=images, classes=classes, bits_per_dim=written)
    (directory / HELD_OUT).write_bytes(archive.getvalue())
    print(
        f"{written.mean():.5f} bits/dim of {len(images)} held-out images by the weights in "
        f"float16, {trained.mean():.5f} in float32"
    )


def _figures(
    experiment: Experiment, states: Sequence[StageState], source: Source | None
) -> dict | None:
    """The evaluation in the workdir; None if it is not of these steps and the held-out images."""
    path = experiment.workdir / FIGURES
    if source is None or not path.exists():
        return None
    figures = json.loads(path.read_text())
    steps = {state.stage.name: int(state.step.numpy()) for state in states}
    if figures.get("steps") != steps or FINGERPRINT not in figures:
        return None
    images = fingerprint(source, figures["images"])._asdict()
    return figures if figures[FINGERPRINT] == images else None
