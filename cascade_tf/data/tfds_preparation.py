"""Lookup and preparation of TFDS datasets, with errors of one line."""

import contextlib
import difflib
import io
import logging as python_logging
import os
import socket
import textwrap
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tensorflow as tf
from absl import logging

from cascade_tf.errors import UserError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds


def find_builder(name: str, data_dir: str | os.PathLike[str] | None) -> "tfds.core.DatasetBuilder":
    """Returns the builder of a TFDS dataset; raises UserError if there is none of that name."""
    import tensorflow_datasets as tfds

    try:
        with _quiet():
            return tfds.builder(name, data_dir=data_dir and os.path.expanduser(data_dir))
    except tfds.core.DatasetNotFoundError:
        known = ["digits", "photos", "folder", *tfds.list_builders(with_community_datasets=False)]
        near = difflib.get_close_matches(name.split("/")[0], known)
        hint = f"did you mean {' or '.join(near)}?" if near else "see tensorflow.org/datasets"
        raise UserError(f"`dataset`={name}: there is no such dataset; {hint}") from None
    except Exception as error:  # builders are third-party code and raise any type
        raise UserError(f"`dataset`={name}: {_in_one_line(error)}") from error


def prepare(builder: "tfds.core.DatasetBuilder", name: str) -> None:
    """Downloads a dataset and writes its records, unless it is prepared already.

    Archives in DATA_DIR/downloads/manual, placed there by hand, are not downloaded.

    Raises:
        UserError: an archive must be placed by hand, there is no network, or TFDS fails.
    """
    with _quiet():
        if builder.is_prepared():
            return
    downloads = os.path.join(builder.data_dir_root, "downloads")
    _require_archives(builder, name, os.path.join(downloads, "manual"))
    _require_network(builder, name, downloads)
    logging.warning("Preparing %s in %s, once; this may take long.", name, builder.data_dir)
    try:
        with _quiet():
            builder.download_and_prepare()
    except Exception as error:  # also third-party code
        raise UserError(f"cannot prepare {name}: {_in_one_line(error)}") from error


def _require_archives(builder: "tfds.core.DatasetBuilder", name: str, folder: str) -> None:
    """Raises UserError if files that cannot be downloaded are not in `folder`."""
    present = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    missing = [file for file in _hand_placed_files(builder) if file not in present]
    if missing:
        files = " and ".join(missing)
        raise UserError(f"{name} must be downloaded by hand: put {files} in {folder} and run again")
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and not present:
        instructions = textwrap.shorten(
            builder.MANUAL_DOWNLOAD_INSTRUCTIONS, 200, placeholder="..."
        )
        raise UserError(
            f"{name} must be downloaded by hand: fill {folder} and run again ({instructions})"
        )


def _hand_placed_files(builder: "tfds.core.DatasetBuilder") -> tuple[str, ...]:
    size = builder.builder_config.name if builder.builder_config else ""
    return {
        "celeb_a_hq": (f"data{size}x{size}.tar",),
        "imagenet2012": ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"),
        # TFDS would download these two, but image-net.org no longer offers them. It accepts copies
        # under these names, and compares their checksums with the original ones.
        "downsampled_imagenet": (f"train_{size}.tar", f"valid_{size}.tar"),
    }.get(builder.name, ())


def _require_network(builder: "tfds.core.DatasetBuilder", name: str, downloads: str) -> None:
    """Raises UserError if the dataset's host is unknown, as TFDS would retry for minutes."""
    folders = (os.path.join(downloads, folder) for folder in ("manual", builder.name))
    if urllib.request.getproxies() or any(tf.io.gfile.isdir(folder) for folder in folders):
        return  # a proxy may resolve the host, or the files may be present
    for url in list(builder.url_infos or ())[:1]:
        host = urllib.parse.urlsplit(url).hostname
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            raise UserError(f"cannot download {name}: no connection to {host} ({error})") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses TFDS's progress bars and messages, on the terminal and on stdout."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    verbosity = logging.get_verbosity()
    downloader = python_logging.getLogger("urllib3")
    downloader_level = downloader.level
    logging.set_verbosity(logging.ERROR)
    downloader.setLevel(python_logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)
        downloader.setLevel(downloader_level)


def _in_one_line(error: Exception) -> str:
    first_line = str(error).strip().partition("\n")[0]
    return textwrap.shorten(f"{type(error).__name__}: {first_line}", 300, placeholder="...")
