"""The checkpoints of a directory: the newest whole one is used, however the others look."""

import functools
import os
import re
import sys

import tensorflow as tf

from cascade_tf.checkpoint_files import PREFIX, checkpoints, step_of
from cascade_tf.errors import UserError


class Checkpoints:
    """Writes and reads the checkpoints of one directory.

    TensorFlow keeps a checksum (CRC32C) of every tensor and of the index, which it writes last: one
    that is half-written or damaged is not taken for whole.

    Args:
        checkpoint: what they hold.
        directory: where they lie.
        keep: how many of them; older ones are deleted once a newer one is written.
        writes: False where another process writes what this one has, too.
    """

    def __init__(
        self, checkpoint: tf.train.Checkpoint, directory: str, keep: int, writes: bool = True
    ):
        self.directory, self._writes = directory, writes
        self.newest: str | None = None  # that this process has read or written
        self._checkpoint, self._keep = checkpoint, keep

    @property
    def paths(self) -> list[str]:
        """Oldest first."""
        return checkpoints(self.directory)

    def save(self, number: tf.Variable) -> None:
        """Writes a checkpoint, unless this process knows one of that number."""
        known = self.newest is not None and step_of(self.newest) == int(number.numpy())
        if self._writes and not known:
            self.newest = self._manager.save(checkpoint_number=number)

    @functools.cached_property
    def _manager(self) -> tf.train.CheckpointManager:
        """It begins with the checkpoints that are there, whatever TensorFlow's list says."""
        self._clear_up()
        if self.paths:
            tf.compat.v1.train.update_checkpoint_state(
                self.directory,
                self.paths[-1],
                all_model_checkpoint_paths=self.paths,
                all_model_checkpoint_timestamps=range(1, len(self.paths) + 1),  # 0 is kept for ever
                last_preserved_timestamp=0,
            )
        return tf.train.CheckpointManager(
            self._checkpoint, self.directory, self._keep, checkpoint_name=PREFIX
        )

    def _clear_up(self) -> None:
        """Deletes what a process that was killed while it wrote has left."""
        for path in tf.io.gfile.glob(os.path.join(self.directory, "*")):
            name = os.path.basename(path)
            if re.fullmatch(rf"{PREFIX}-\d+_temp", name):
                tf.io.gfile.rmtree(path)
            if re.fullmatch(r"checkpoint\.tmp[0-9a-f]{32}", name):  # of TensorFlow's list
                tf.io.gfile.remove(path)
            data = re.fullmatch(rf"({PREFIX}-\d+)\.data-\d+-of-\d+", name)
            if data and not tf.io.gfile.exists(os.path.join(self.directory, f"{data[1]}.index")):
                tf.io.gfile.remove(path)

    def restore(self, path: str | None = None) -> bool:
        """Reads a checkpoint, or the newest that is whole; False where there is none at all.

        Damaged ones are named on stderr.

        Raises:
            UserError: the checkpoint, or every one, is damaged or of another model.
        """
        wanted = [path] if path else self.paths[::-1]
        for number, candidate in enumerate(wanted):
            reason = self._trouble(candidate)
            if reason is None:
                if number:
                    print(f"the checkpoint {candidate} is used instead", file=sys.stderr)
                self.newest = candidate
                return True
            if number + 1 < len(wanted):
                print(f"cannot read the checkpoint {candidate}: {reason}", file=sys.stderr)
        if not wanted:
            return False
        kept = ", ".join(map(os.path.basename, self.paths))
        raise UserError(
            f"cannot read the checkpoint {wanted[-1]}: {reason}, or it is of other flags than "
            f"those recorded beside it (checkpoints there: {kept})"
        )

    def _trouble(self, path: str) -> str | None:
        """Reads a checkpoint; why it cannot be read, in a few words."""
        for part in tf.io.gfile.glob(f"{path}.*"):
            with tf.io.gfile.GFile(part, "rb") as file:
                file.read(1)  # what fails here is the file system, not a damaged file
        try:
            self._checkpoint.restore(path).assert_existing_objects_matched()
        except tf.errors.DataLossError:
            return "it is damaged (its checksum is wrong)"
        except (tf.errors.OpError, AssertionError, IndexError, ValueError):
            return "it is damaged or cut short"
        return None
