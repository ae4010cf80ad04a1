"""A stage's settings, as its record describes them."""

import dataclasses
import os
from collections.abc import Sequence

from cascade_tf.errors import text
from cascade_tf.settings import Settings, values_by_name

_PATHS = ("data_dir", "cache_dir")


@dataclasses.dataclass(frozen=True)
class Description:
    """From which settings a stage was made; enough to make it again.

    Attributes:
        system: name of the model family that makes it (family.py).
        settings: of the experiment and of the stage; of equal names, the first counts.
        unrecorded: names that the experiment derives from others.
    """

    system: str
    settings: Sequence[Settings]
    unrecorded: frozenset[str] = frozenset()

    def record(self, *more: Settings) -> dict[str, str]:
        """Texts of all settings by name, those of `more` included; paths are absolute."""
        values = {"system": self.system}
        for settings in (*self.settings, *more):
            for name, value in values_by_name(settings).items():
                if name not in self.unrecorded:
                    values.setdefault(name, text(value))
        return values | {name: absolute(values[name]) for name in _PATHS if name in values}


def absolute(path: str) -> str:
    """A path that means the same in any working directory; URLs such as gs:// stay as they are."""
    return path if "://" in path or not path else os.path.abspath(os.path.expanduser(path))
