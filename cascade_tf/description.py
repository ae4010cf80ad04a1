"""Description of a stage: the settings that its record holds."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from cascade_tf.errors import text
from cascade_tf.settings import Settings, values_by_name
from cascade_tf.shipped_models import is_shipped

PATHS = ("data_dir", "test_dir", "cache_dir", "init_from")


@dataclasses.dataclass(frozen=True)
class Description:
    """Settings of a stage, sufficient to create it again.

    Attributes:
        system: name of the stage's model family (family.py).
        settings: of the experiment and of the stage; where names are equal, the first counts.
        unrecorded: names that the experiment derives from others.

    >>> from cascade_tf.learning_config import LearningConfig
    >>> Description("spn", [LearningConfig(clip_norm=1.0)]).record()["clip_norm"]
    '1.0'
    """

    system: str
    settings: Sequence[Settings]
    unrecorded: frozenset[str] = frozenset()

    def record(self, *more: Settings) -> dict[str, str]:
        """Texts of these settings and of `more` by name, with absolute paths.

        Settings without a value, None, are left out.
        """
        values = {"system": self.system}
        for settings in (*self.settings, *more):
            for name, value in values_by_name(settings).items():
                if name not in self.unrecorded and value is not None:
                    values.setdefault(name, recorded_text(name, value))
        return values


def recorded_text(name: str, value: Any) -> str:
    """The text of a setting in a record: `errors.text`, with absolute paths.

    The name of a model that comes with the package is kept in place of its path.

    >>> recorded_text("data_dir", "/data/../images"), recorded_text("bits", 5)
    ('/images', '5')
    """
    written = text(value)
    is_path = name in PATHS and not (name == "init_from" and is_shipped(written))
    return absolute(written) if is_path else written


def absolute(path: str) -> str:
    """An absolute path; URLs such as gs:// and an empty path are returned unchanged.

    >>> absolute("gs://bucket/images")
    'gs://bucket/images'
    """
    if "://" in path or not path:
        return path
    path = os.path.abspath(os.path.expanduser(path))
    return path if path == path.rstrip() else os.path.join(path, "")  # lines lose a last space
