"""A stage with its averages and step count, and their checkpoints."""

import dataclasses

import keras
import tensorflow as tf
from etils import epath

from cascade_tf.averages import PolyakAverage
from cascade_tf.checkpoints import Checkpoints
from cascade_tf.errors import UserError
from cascade_tf.stage import Stage
from cascade_tf.strategies import is_chief
from cascade_tf.training_config import TrainingConfig


@dataclasses.dataclass
class StageState:
    """Everything that training changes.

    Attributes:
        stage: its networks and optimizers are built.
        average: of the stage's `averaged_variables`.
        step: int64, training steps made. With the batch size it is also the position in the
            data: the next example's index is step * batch_size.
        seconds: float64, time spent training, over all resumes.
        checkpoints: of all of it.
    """

    stage: Stage
    average: PolyakAverage
    step: tf.Variable
    seconds: tf.Variable
    checkpoints: Checkpoints

    @classmethod
    def create(
        cls,
        stage: Stage,
        config: TrainingConfig,
        directory: epath.Path,
        strategy: tf.distribute.Strategy,
    ) -> "StageState":
        """Builds the stage, its weights drawn from `config.seed`; checkpoints in `directory`."""
        keras.utils.set_random_seed(config.seed)
        with strategy.scope():
            stage.build()
            average = PolyakAverage(
                stage.averaged_variables(), config.polyak_decay, config.polyak_start
            )
            step = tf.Variable(0, dtype=tf.int64, trainable=False)
            seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        # TensorFlow does not find what is in a Keras layer's lists of layers. Weights that learn it
        # finds in the optimizers, averaged ones in the averages; here are the others.
        weights = [weight for network in stage.networks().values() for weight in network.weights]
        averaged = {id(weight) for weight in stage.averaged_variables()}
        others = [w.value for w in weights if not w.trainable and id(w) not in averaged]
        checkpoint = tf.train.Checkpoint(
            average=average,
            step=step,
            seconds=seconds,
            **({"others": others} if others else {}),
            **stage.networks(),
            **stage.optimizers(),
        )
        kept = Checkpoints(
            checkpoint, str(directory / "checkpoints"), config.keep_checkpoints, is_chief(strategy)
        )
        return cls(stage, average, step, seconds, kept)

    def restore(self, path: str | None = None) -> bool:
        """As Checkpoints.restore."""
        return self.checkpoints.restore(path)

    def restore_averages(self, path: str | None = None) -> None:
        """Loads a checkpoint, by default the newest; the stage's variables become its averages.

        Raises:
            UserError: there is no checkpoint.
        """
        if not self.restore(path):
            raise UserError(
                f"stage {self.stage.name} has no checkpoint in {self.checkpoints.directory}: "
                f"train it first"
            )
        self.average.apply()

    def is_finite(self) -> bool:
        """Whether all weights are numbers that training can go on from."""
        weights = [
            weight for network in self.stage.networks().values() for weight in network.weights
        ]
        floats = [w.value for w in weights if tf.as_dtype(w.dtype).is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in floats)

    def save(self) -> None:
        """Writes a checkpoint of the current step, unless it is there already."""
        self.checkpoints.save(self.step)
