"""Arrays of a TorchScript archive, read without unpickling.

The archive's pickle holds names and shapes, but unpickling can run code, so it is never opened.
Shapes come from the network that the arrays belong to.
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
        ValueError: the file is no archive of such arrays, or is damaged.

    >>> import io
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("net/data/0", np.float32([1, 2]).tobytes())
    >>> torchscript_arrays(file)
    [array([1., 2.], dtype=float32)]
    """
    try:
        with zipfile.ZipFile(file) as archive:
            matches = [_ARRAY.fullmatch(name) for name in archive.namelist()]
            entries = {int(match[1]): match[0] for match in matches if match}
            return [np.frombuffer(archive.read(entries[i]), "<f4") for i in range(len(entries))]
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"no whole archive of arrays: {error}") from error
