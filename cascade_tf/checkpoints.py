"""Writing checkpoints, and restoring the newest undamaged one."""

import functools
import os
import re
import sys

import tensorflow as tf

from cascade_tf.checkpoint_files import PREFIX, checkpoints, step_of
from cascade_tf.errors import UserError


class Checkpoints:
    """Writes and reads the checkpoints of one directory.

    TensorFlow stores a checksum (CRC32C) of every tensor and of the index, and writes the index
    last. Incomplete and damaged checkpoints are therefore detected.

    Args:
        checkpoint: the objects to save and restore.
        directory: of the files.
        keep: number of checkpoints; older ones are deleted once a newer one is written.
        writes: False in processes that must not write, since another one does.

    >>> import tempfile
    >>> step = tf.Variable(7, dtype=tf.int64)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     files = Checkpoints(tf.train.Checkpoint(step=step), directory, keep=3)
    ...     files.save(step)
    ...     _ = step.assign(0)
    ...     restored = files.restore()
    >>> restored, int(step)
    (True, 7)
    """

    def __init__(
        self, checkpoint: tf.train.Checkpoint, directory: str, keep: int, writes: bool = True
    ):
        self.directory, self._writes = directory, writes
        self.newest: str | None = None  # of those that this process read or wrote
        self._checkpoint, self._keep = checkpoint, keep

    @property
    def paths(self) -> list[str]:
        """Paths of the checkpoints, oldest first."""
        return checkpoints(self.directory)

    def save(self, number: tf.Variable) -> None:
        """Writes checkpoint `number`, unless this process has read or written it already.

        Raises:
            UserError: it cannot be written.
        """
        known = self.newest is not None and step_of(self.newest) == int(number.numpy())
        if not self._writes or (known and self.newest in self.paths):
            return
        try:
            self.newest = self._manager.save(checkpoint_number=number)
            reason = "" if self.newest in self.paths else "it is missing after it was written"
        except tf.errors.OpError as error:
            reason = error.message.split("; ")[-1].split(" [Op:")[0]
        if reason:
            raise UserError(
                f"cannot write checkpoint {int(number.numpy())} to {self.directory}: {reason}"
            )

    @functools.cached_property
    def _manager(self) -> tf.train.CheckpointManager:
        """TensorFlow's manager, with a list of checkpoints that agrees with the files."""
        self._clear_up()
        if self.paths:
            tf.compat.v1.train.update_checkpoint_state(
                self.directory,
                self.paths[-1],
                all_model_checkpoint_paths=self.paths,
                # From 1 on, as TensorFlow never deletes a checkpoint of timestamp 0.
                all_model_checkpoint_timestamps=range(1, len(self.paths) + 1),
                last_preserved_timestamp=0,
            )
        return tf.train.CheckpointManager(
            self._checkpoint, self.directory, self._keep, checkpoint_name=PREFIX
        )

    def _clear_up(self) -> None:
        """Deletes incomplete files of processes that were killed while writing."""
        for name in _names(self.directory):
            path = os.path.join(self.directory, name)
            if re.fullmatch(rf"{PREFIX}-\d+_temp", name):
                tf.io.gfile.rmtree(path)
            if re.fullmatch(r"checkpoint\.tmp[0-9a-f]{32}", name):  # TensorFlow's list
                tf.io.gfile.remove(path)
            data = re.fullmatch(rf"({PREFIX}-\d+)\.data-\d+-of-\d+", name)
            if data and not tf.io.gfile.exists(os.path.join(self.directory, f"{data[1]}.index")):
                tf.io.gfile.remove(path)

    def restore(self, path: str | None = None) -> bool:
        """Restores a checkpoint, by default the newest undamaged one.

        Damaged checkpoints that are passed over are named on stderr.

        Returns:
            Whether there was a checkpoint.

        Raises:
            UserError: `path`, or every checkpoint, is damaged or of another model.
        """
        candidates = [path] if path else self.paths[::-1]
        for number, candidate in enumerate(candidates):
            reason = self._failure(candidate)
            if reason is None:
                if number:
                    print(f"the checkpoint {candidate} is used instead", file=sys.stderr)
                self.newest = candidate
                return True
            if number + 1 < len(candidates):
                print(f"cannot read the checkpoint {candidate}: {reason}", file=sys.stderr)
        if not candidates:
            return False
        kept = ", ".join(map(os.path.basename, self.paths))
        raise UserError(
            f"cannot read the checkpoint {candidates[-1]}: {reason}, or it was written with other "
            f"flags than those recorded beside it (checkpoints there: {kept})"
        )

    def _failure(self, path: str) -> str | None:
        """Restores a checkpoint; returns the reason if it cannot be read, else None."""
        directory, name = os.path.split(path)
        for part in _names(directory):
            if part.startswith(f"{name}."):
                with tf.io.gfile.GFile(os.path.join(directory, part), "rb") as file:
                    file.read(1)  # an error here is the file system's: let it through
        try:
            self._checkpoint.restore(path).assert_existing_objects_matched()
        except tf.errors.DataLossError:
            return "it is damaged (its checksum is wrong)"
        except (tf.errors.OpError, AssertionError, IndexError, ValueError):
            return "it is damaged or truncated"
        return None


def _names(directory: str) -> list[str]:
    """Names in a directory; none if it does not exist."""
    if not tf.io.gfile.isdir(directory):
        return []
    return [name.rstrip("/") for name in tf.io.gfile.listdir(directory)]  # gs:// marks folders
