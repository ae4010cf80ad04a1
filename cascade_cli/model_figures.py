"""Figures of a trained model for a comparison, in a process of its own.

    python -m cascade_cli.model_figures WORKDIR IMAGES SAMPLES CODECS

It evaluates so many held-out images, with image codecs if CODECS is 1, draws so many samples to
WORKDIR/samples.npy, and prints the figures as JSON.
"""

import io
import json
import sys
import time
from typing import Any

from cascade_cli import quiet_tensorflow
from cascade_cli.command_line import fail
from cascade_tf.errors import UserError, with_flags


def main() -> None:
    """Runs the module."""
    workdir, images, samples, codecs = sys.argv[1:]
    quiet_tensorflow.start()
    try:
        print(json.dumps(_figures(workdir, int(images), int(samples), codecs == "1")))
    except UserError as error:
        fail("compare", with_flags(error.recorded), error.exit_code)


def _figures(workdir: str, images: int, samples: int, codecs: bool) -> dict[str, Any]:
    import numpy as np
    import tensorflow as tf

    from cascade_cli.evaluation import likelihood
    from cascade_cli.evaluation.report import FINGERPRINT, Figures
    from cascade_cli.options import SampleOptions
    from cascade_cli.systems import FAMILIES, open_system
    from cascade_tf.data import open_source
    from cascade_tf.data.fingerprint import fingerprint
    from cascade_tf.experiment import Experiment
    from cascade_tf.files import write_atomically

    experiment = Experiment(workdir, FAMILIES)
    for name in experiment.stage_names:
        experiment.require_held_out(name)
    source = open_source(experiment.data_of_all_stages(), "test")
    total = min(source.num_examples, images)
    figures = Figures()
    strategy = tf.distribute.get_strategy()
    likelihood.evaluate(experiment, strategy, source, total, figures, codecs, files=False)
    stages: list[Any] = experiment.load_stages()
    options = SampleOptions(num_samples=samples)
    drawing = open_system(experiment, options).drawing(stages, options, seed=0)
    numbers = np.arange(samples)
    drawing.draw(numbers, lambda: None)  # it compiles
    began = time.perf_counter()
    *_, drawn = drawing.draw(numbers, lambda: None).values()
    seconds = time.perf_counter() - began
    file = io.BytesIO()
    np.save(file, drawn)
    write_atomically(experiment.workdir / "samples.npy", file.getvalue())
    return figures.results | {
        FINGERPRINT: fingerprint(source, total)._asdict(),
        "parameters": sum(stage.parameters() for stage in stages),
        "minutes": sum(_seconds(experiment, name) for name in experiment.stage_names) / 60,
        "seconds_per_sample": seconds / samples,
    }


def _seconds(experiment: Any, stage: str) -> float:
    """The time that a stage was trained for, over all resumes."""
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(str(experiment.directory(stage) / "checkpoints"))
    return float(checkpoint.get_tensor("seconds/.ATTRIBUTES/VARIABLE_VALUE"))


if __name__ == "__main__":
    main()
