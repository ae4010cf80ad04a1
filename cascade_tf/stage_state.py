"""A stage with its averages and step count, and their checkpoints."""

import dataclasses
import pathlib

import keras
import tensorflow as tf

from cascade_tf.averages import PolyakAverage
from cascade_tf.errors import UserError
from cascade_tf.stage import Stage
from cascade_tf.training_config import TrainingConfig


def has_checkpoint(directory: pathlib.Path) -> bool:
    """Whether a stage's directory holds a checkpoint."""
    return tf.train.latest_checkpoint(str(directory / "checkpoints")) is not None


@dataclasses.dataclass
class StageState:
    """Everything that training changes.

    Attributes:
        stage: its networks and optimizers are built.
        average: of the stage's `averaged_variables`.
        step: int64, training steps made. With the batch size it is also the position in the
            data: the next example's index is step * batch_size.
        seconds: float64, time spent training, over all resumes.
        manager: writes and finds checkpoints.
    """

    stage: Stage
    average: PolyakAverage
    step: tf.Variable
    seconds: tf.Variable
    manager: tf.train.CheckpointManager

    @classmethod
    def create(
        cls,
        stage: Stage,
        config: TrainingConfig,
        directory: pathlib.Path,
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
        manager = tf.train.CheckpointManager(
            checkpoint, str(directory / "checkpoints"), max_to_keep=config.keep_checkpoints
        )
        return cls(stage, average, step, seconds, manager)

    def restore(self, path: str | None = None) -> bool:
        """Loads a checkpoint, by default the newest; False where there is none yet."""
        path = path or self.manager.latest_checkpoint
        if path is None:
            return False
        try:
            status = self.manager.checkpoint.restore(path)
            status.assert_existing_objects_matched()
        except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
            kept = ", ".join(name.rsplit("/")[-1] for name in self.manager.checkpoints)
            raise UserError(
                f"cannot read the checkpoint {path}: it is damaged, or "
                f"of other flags than those recorded beside it (checkpoints there: {kept})"
            ) from error
        return True

    def restore_averages(self, path: str | None = None) -> None:
        """Loads a checkpoint, by default the newest; the stage's variables become its averages.

        Raises:
            UserError: there is no checkpoint.
        """
        if not self.restore(path):
            raise UserError(
                f"stage {self.stage.name} has no checkpoint in {self.manager.directory}; "
                f"train it first with bin/train"
            )
        self.average.apply()

    def save(self) -> None:
        """Writes a checkpoint of the current step, unless it is there already."""
        newest = self.manager.latest_checkpoint
        if newest is not None and newest.endswith(f"-{self.step.numpy()}"):
            return
        self.manager.save(checkpoint_number=self.step)
