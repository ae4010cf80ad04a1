"""TensorBoard summaries of a stage: scalars, image grids, and the flags as text."""

import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.pictures import enlarge, sheet

_RUNS = ("train", "test", "test_live_weights")


class Summaries:
    """Event files of one stage, with one directory (a TensorBoard "run") per kind of metric.

    The runs are training, held-out images with averaged weights, and held-out images with live
    weights. They have the same tags, so that their curves share a chart.

    Args:
        directory: of the stage.
        writes: False in processes that must not write, since another one does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     summaries = Summaries(epath.Path(directory))
    ...     summaries.scalars("train", 1, {"loss": 0.5})
    ...     summaries.flush()
    """

    def __init__(self, directory: epath.Path, writes: bool = True):
        self._directory, self._writes = directory, writes
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def start(self, step: int) -> None:
        """Begins a session of training; to be called before anything is written.

        A killed session may have written points of steps that are trained again. TensorBoard
        discards those that precede a `SessionLog.START` in the files of a run, from its step on.

        Args:
            step: the first one whose points are to be discarded.
        """
        event = tf.compat.v1.Event(
            step=step,
            wall_time=time.time(),
            session_log=tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START),
        )
        for run in _RUNS:
            if self._writes and (self._directory / run).exists():
                writer = self._writer(run)
                # TensorBoard takes a run's first START for that of its first session.
                for _ in range(2):
                    tf.raw_ops.ImportEvent(writer=writer._resource, event=event.SerializeToString())
                writer.flush()

    def scalars(self, run: str, step: int, values: Mapping[str, float]) -> None:
        """Writes scalars by tag to the run "train", "test" or "test_live_weights"."""
        with self._writer(run).as_default():
            for tag, value in values.items():
                tf.summary.scalar(tag, value, step=step)

    def images(self, run: str, step: int, tag: str, images: np.ndarray) -> None:
        """Writes images, uint8 [N, H, W, C], as one grid."""
        with self._writer(run).as_default():
            tf.summary.image(tag, enlarge(sheet(images, gap=1))[None], step=step)

    def text(self, run: str, step: int, tag: str, markdown: str) -> None:
        """Writes a text in Markdown."""
        with self._writer(run).as_default():
            tf.summary.text(tag, markdown, step=step)

    def flush(self) -> None:
        """Writes everything to disk."""
        for writer in self._writers.values():
            writer.flush()

    def _writer(self, run: str) -> tf.summary.SummaryWriter:
        if run not in self._writers:
            directory = str(self._directory / run)
            self._writers[run] = (
                tf.summary.create_file_writer(directory)
                if self._writes
                else tf.summary.create_noop_writer()
            )
        return self._writers[run]
