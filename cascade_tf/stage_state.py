"""State of a training: a stage, its averages and step count, and their checkpoints."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from etils import epath
from google.protobuf import descriptor_pool, message_factory

from cascade_tf.averages import PolyakAverage
from cascade_tf.checkpoint_files import WEIGHTS, checkpoints, has_weights
from cascade_tf.checkpoints import Checkpoints
from cascade_tf.data import Source
from cascade_tf.errors import UserError
from cascade_tf.stage import Stage
from cascade_tf.strategies import is_chief
from cascade_tf.training_config import TrainingConfig
from cascade_tf.weights_file import read_weights

# The entry of TensorFlow's checkpoints with the names of all objects, and the kind of its message.
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_KIND = "tensorflow.TrackableObjectGraph"


@dataclasses.dataclass
class StageState:
    """Everything that a training changes.

    Attributes:
        stage: with networks and optimizers built.
        average: Polyak average of the stage's `averaged_variables`.
        step: int64, completed training steps. It also gives the position in the data: the next
            example has index step * batch_size.
        seconds: float64, training time over all resumes.
        checkpoints: of all of these.
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
        """Builds a stage with weights drawn from `config.seed`, and the rest of the state.

        Checkpoints go to `directory`/checkpoints; none is restored.
        """
        keras.utils.set_random_seed(config.seed)
        with strategy.scope():
            stage.build()
            average = PolyakAverage(
                stage.averaged_variables(),
                config.polyak_decay,
                config.polyak_start,
                config.polyak_share,
            )
            step = tf.Variable(0, dtype=tf.int64, trainable=False)
            seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        checkpoint = tf.train.Checkpoint(
            average=average,
            step=step,
            seconds=seconds,
            **_others(stage, stage.networks()),
            **stage.networks(),
            **stage.optimizers(),
        )
        checkpoints = Checkpoints(
            checkpoint, str(directory / "checkpoints"), config.keep_checkpoints, is_chief(strategy)
        )
        return cls(stage, average, step, seconds, checkpoints)

    def restore(self, path: str | None = None) -> bool:
        """See `Checkpoints.restore`."""
        return self.checkpoints.restore(path)

    def restore_averages(self, path: str | None = None) -> None:
        """Restores a checkpoint, by default the newest, and replaces variables by their averages.

        Raises:
            UserError: there is no checkpoint, or none can be read.
        """
        if not self.restore(path):
            raise UserError(
                f"stage {self.stage.name} has no checkpoint in {self.checkpoints.directory}: "
                f"train it first"
            )
        self.average.apply()

    def load_weights(self, path: epath.Path) -> int:
        """Replaces the weights by those of a file (weights_file.py), and restarts the averages.

        Returns:
            The training step that they are of.

        Raises:
            UserError: the file is damaged, or of another network.
        """
        step = read_weights(path, self.stage.networks())
        self.average.restart()
        return step

    def start_from(self, directory: epath.Path) -> str:
        """Replaces the weights by those of another training, and restarts the averages.

        They are the live ones of a checkpoint, or those of a file, which are averages.

        The optimizers stay as they are: their variables depend on settings of the training, such
        as the momentum, which may differ. So do networks of training alone that the other training
        did not have.

        Args:
            directory: of a stage with the same networks.

        Returns:
            The path of the checkpoint or file.

        Raises:
            UserError: there is no checkpoint, or none can be read.
        """
        if has_weights(directory):
            self.load_weights(directory / WEIGHTS)
            return str(directory / WEIGHTS)
        directory, stage = directory / "checkpoints", self.stage
        left_out = set(stage.of_training) - _names_in(directory)
        networks = {n: net for n, net in stage.networks().items() if n not in left_out}
        # A part of the checkpoint that `create` describes, under the same names.
        optimizers = {
            name: tf.train.Checkpoint(_trainable_variables=optimizer._trainable_variables)
            for name, optimizer in stage.optimizers().items()
            if name not in left_out
        }
        checkpoint = tf.train.Checkpoint(
            average=tf.train.Checkpoint(_variables=self.average._variables),
            **_others(stage, networks),
            **networks,
            **optimizers,
        )
        start = Checkpoints(checkpoint, str(directory), keep=1, writes=False)
        if not start.restore():
            raise UserError(f"stage {stage.name} has no checkpoint in {directory}: train it first")
        self.average.restart()
        assert start.newest is not None
        return start.newest

    def begin(self, source: Source, origin: epath.Path | None) -> str | None:
        """Prepares a training that has no checkpoint; see `Stage.prepare`.

        Args:
            source: of the training images.
            origin: directory of a stage to start from, which replaces what is prepared of the
                images. What is prepared of other stages stays that of this experiment's.

        Returns:
            A line for the log.

        Raises:
            UserError: see `start_from`.
        """
        line = self.stage.prepare(source)
        if origin is not None:
            line = f"starts from the weights of {self.start_from(origin)}"
            if self.stage.needs:
                self.stage.prepare(source)
        return line

    def is_finite(self) -> bool:
        """Whether all weights are finite."""
        weights = [
            weight for network in self.stage.networks().values() for weight in network.weights
        ]
        floats = [w.value for w in weights if tf.as_dtype(w.dtype).is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in floats)

    def save(self) -> None:
        """Writes a checkpoint of the current step, unless it exists already."""
        self.checkpoints.save(self.step)


def _others(stage: Stage, networks: Mapping[str, keras.Layer]) -> dict[str, Sequence[tf.Variable]]:
    """Weights of networks that a checkpoint reaches in no other way, by their name in it.

    tf.train.Checkpoint does not track layers within a Keras layer's lists. It reaches their
    trainable weights through the optimizers and averaged ones through the averages.
    """
    weights = [weight for network in networks.values() for weight in network.weights]
    averaged = {id(weight) for weight in stage.averaged_variables()}
    rest = [w.value for w in weights if not w.trainable and id(w) not in averaged]
    return {"others": rest} if rest else {}


def _names_in(directory: epath.Path) -> set[str]:
    """Names of the networks and optimizers in the newest checkpoint; none if it is unreadable."""
    try:
        [path] = checkpoints(directory)[-1:]
        content = tf.train.load_checkpoint(path).get_tensor(_GRAPH)
    except (ValueError, tf.errors.OpError):  # a ValueError also without a checkpoint
        return set()
    kind = descriptor_pool.Default().FindMessageTypeByName(_KIND)
    objects: Any = message_factory.GetMessageClass(kind).FromString(content)
    return {child.local_name for child in objects.nodes[0].children}
