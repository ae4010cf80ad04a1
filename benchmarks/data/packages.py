"""Packages of Debian, Ubuntu, PyPI and npm: download, check and contents."""

import hashlib
import http.client
import io
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import IO, NamedTuple

import pyarrow  # TensorFlow Datasets requires it
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import make_directory, write_atomically

_SECONDS = 60  # of silence, after which a server is given up
_MAGIC, _HEADER = 8, 60  # bytes: of an ar archive, and before each of its members


class Package(NamedTuple):
    """One version of a package.

    Attributes:
        licences: of its pictures, as SPDX identifiers.
    """

    name: str
    version: str
    url: str
    sha256: str
    licences: str


def fetch(package: Package, package_dir: str | None = None) -> bytes:
    """Returns a package, from `package_dir` if it is there, or else from the network.

    Args:
        package_dir: keeps what is downloaded; None keeps nothing.

    Raises:
        UserError: it cannot be downloaded, or has another SHA-256.
    """
    name = urllib.parse.unquote(package.url).rpartition("/")[2]
    kept = make_directory(epath.Path(package_dir)) / name if package_dir else None
    if kept and kept.exists():
        return _checked(kept.read_bytes(), package, f"{kept}", "delete it")
    content = _checked(_downloaded(package.url), package, package.url, "try again later")
    if kept:
        write_atomically(kept, content)
    return content


def files(package: bytes) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of each plain file in a `.deb` or a `.tgz` of npm."""
    with tarfile.open(fileobj=_tar(package), mode="r|*") as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                yield member.name, file.read()


def _downloaded(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        reason = f"the server answers {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error)
    advice = "check the network, or put the file into `package_dir`"
    raise UserError(f"cannot download {url}: {reason}: {advice}")


def _checked(content: bytes, package: Package, place: str, advice: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        expected = f"{package.sha256[:12]}... of {package.name} {package.version}"
        raise UserError(f"{place} has SHA-256 {found[:12]}..., not {expected}: {advice}")
    return content


def _tar(package: bytes) -> IO[bytes]:
    if not package.startswith(b"!<arch>\n"):
        return io.BytesIO(package)
    start = _MAGIC
    while not package.startswith(b"data.tar", start):
        size = _size(package, start)
        start += _HEADER + size + size % 2
    data = io.BytesIO(package[start + _HEADER :][: _size(package, start)])
    if package.startswith(b"data.tar.zst", start):  # `tarfile` reads it from Python 3.14 on
        return pyarrow.CompressedInputStream(data, "zstd")
    return data


def _size(archive: bytes, start: int) -> int:
    return int(archive[start + 48 : start + 58])
