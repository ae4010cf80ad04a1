"""The arrays of a TorchScript archive, read as numbers alone.

The archive's pickle tells names and shapes, and unpickling runs code: it is never opened. The
network that the arrays belong to knows the shapes.
"""

import re
import zipfile
import zlib
from typing import BinaryIO

import numpy as np

_ARRAY = re.compile(r"[^/]+/data/(\d+)")


def torchscript_arrays(file: BinaryIO) -> list[np.ndarray]:
    """Reads the archive's entries NAME/data/0, NAME/data/1, ...: float32 [n] each.

    Raises:
        ValueError: no archive of such arrays, or a damaged one.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            matches = [_ARRAY.fullmatch(name) for name in archive.namelist()]
            entries = {int(match[1]): match[0] for match in matches if match}
            return [np.frombuffer(archive.read(entries[i]), "<f4") for i in range(len(entries))]
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"no whole archive of arrays: {error}") from error
