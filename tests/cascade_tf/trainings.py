"""Short trainings, and their weights and curves, for tests that compare them."""

import numpy as np
import tensorflow as tf

from cascade_tf.data import DataConfig, open_source
from cascade_tf.training import Trainer
from cascade_tf.training_config import TrainingConfig

DIGITS = DataConfig("digits", None, image_size=32, channels=1)


def trainer(stage, directory, strategy=None, held_out=False, previews=None, **config) -> Trainer:
    directory.mkdir(parents=True, exist_ok=True)
    stage.previews = previews or stage.previews
    return Trainer(
        stage,
        TrainingConfig(**{"batch_size": 8, "steps": 4, "evaluate_every": 0} | config),
        open_source(DIGITS, "train"),
        directory,
        open_source(DIGITS, "test") if held_out else None,
        strategy or tf.distribute.get_strategy(),
    )


def final_weights(trained: Trainer) -> dict[str, np.ndarray]:
    """All variables that training changed, by name: weights, optimizers' variables, averages."""
    state = trained.state
    weights = {}
    for group in (state.stage.networks(), state.stage.optimizers()):
        for name, owner in group.items():
            for number, variable in enumerate(owner.variables):
                kind = variable.path.rsplit("_")[-1].rsplit("/")[-1]
                weights[f"{name}/{number}/{kind}"] = variable.numpy()
    for number, variable in enumerate(state.average.averages):
        weights[f"average/{number}"] = variable.numpy()
    return weights


def scalars(directory, run: str, tag: str) -> dict[int, float]:
    """Values of a TensorBoard tag by step."""
    curve = {}
    for path in sorted((directory / run).glob("events.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.tag == tag and value.HasField("tensor"):
                    curve[event.step] = float(tf.make_ndarray(value.tensor))
    return curve
