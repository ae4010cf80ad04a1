"""Prints the figures of an evaluation as they are computed, and keeps them in a file."""

import json
import sys
from types import TracebackType
from typing import Any

import rich.table
from etils import epath

from cascade_cli.options import EvaluateOptions
from cascade_cli.tables import print_table
from cascade_tf.errors import UserError, with_flags
from cascade_tf.files import make_directory, refuse_to_overwrite, write_atomically

FIGURES = "evaluation.json"
FINGERPRINT = "fingerprint"  # the last part of every evaluation
PLOTS = ("truncations.png", "training.png", "nearest.png")


class Figures:
    """Collects the figures of an evaluation, and shows nothing.

    Args:
        split: of the images.

    Attributes:
        results: figures for JSON. Parts add theirs, then call `done`.
    """

    def __init__(self, split: str = "test"):
        self.results: dict[str, Any] = {"split": split}

    def begin(self, *parts: str) -> None:
        """Names all parts, after all checks, which may refuse."""

    def done(self, part: str, *shown: str | rich.table.Table) -> None:
        """Keeps the results, which now hold those of a part, and prints its lines and tables."""


class Report(Figures):
    """Context manager of an evaluation, whose figures outlive a failure of later parts.

    `evaluation.json` is written after each part. The same JSON is the last line of stdout, also
    after an error or Ctrl-C if a part was done. Its key "missing" names the parts that are not.

    Args:
        options: of the command. Files go into `output_dir`, by default into the workdir, where
            existing files are kept unless `overwrite` is set. Without both, nothing is written.

    Raises:
        UserError: `output_dir` cannot be written to, or holds such files already.
    """

    def __init__(self, options: EvaluateOptions):
        super().__init__(options.split)
        self._missing: list[str] = []
        self._warnings: list[str] = []
        self._any_done = False
        self._directory: epath.Path | None = None
        self._kept: set[str] = set()
        place = options.output_dir or options.workdir
        if place is None:  # a model that comes with the package
            return
        directory = epath.Path(place).expanduser()
        try:
            self._directory = make_directory(directory)
        except UserError as error:
            if options.output_dir:
                raise
            self.warn(f"{error}: the figures are printed only")
            return
        if options.overwrite:
            return
        if options.output_dir:
            refuse_to_overwrite(directory / name for name in (FIGURES, *PLOTS))
        self._kept = {name for name in (FIGURES, *PLOTS) if (directory / name).exists()}
        if FIGURES in self._kept:
            self.warn(f"{directory / FIGURES} exists already and is kept: --overwrite replaces it")

    def warn(self, sentence: str) -> None:
        """Adds a warning, which `begin` prints on stderr, ahead of all figures."""
        self._warnings.append(sentence)

    def begin(self, *parts: str) -> None:
        """See `Figures`; prints the warnings so far."""
        self._missing += (*parts, FINGERPRINT)
        for sentence in self._warnings:
            print(f"evaluate: {with_flags(sentence)}", file=sys.stderr, flush=True)

    def done(self, part: str, *shown: str | rich.table.Table) -> None:
        self._missing.remove(part)
        self._any_done = True
        self.save()  # first, since stdout may be a closed pipe
        self.show(*shown)

    def show(self, *shown: str | rich.table.Table) -> None:
        """Prints lines and tables on stdout."""
        for each in shown:
            if isinstance(each, str):
                print(each, flush=True)
            else:
                print_table(each)

    def save(self) -> None:
        """Writes the results so far."""
        self.write(FIGURES, json.dumps(self._json(), indent=1).encode())

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, unless it existed before and is to be kept."""
        if self._directory and name not in self._kept:
            write_atomically(self._directory / name, content)

    def _json(self) -> dict[str, Any]:
        return self.results | ({"missing": self._missing} if self._missing else {})

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._any_done:
            print(json.dumps(self._json()), flush=True)
