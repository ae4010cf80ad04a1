"""Listing of a folder: its image files, with their classes, in the order of the splits."""

import dataclasses
import os
import weakref
from collections.abc import Iterable, Iterator
from typing import NoReturn

import numpy as np
import tensorflow as tf

from cascade_tf.data.folder_splits import TEST, TRAIN, divided, divided_by_test_dir
from cascade_tf.data.image_files import is_image_file, other_files, report_once
from cascade_tf.data.own_outputs import without_own_outputs
from cascade_tf.description import absolute
from cascade_tf.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Listing:
    """The images of a folder: first the test split, then the train split, then all others.

    Each of the three is sorted by hashes of paths.
    """

    paths: tf.Tensor  # string [N]
    labels: tf.Tensor  # int32 [N]; -1 for classes that training images lack
    class_names: tuple[str, ...]  # "" for images outside of class folders
    unknown_classes: tuple[str, ...]  # those that training images lack
    num_test: int  # 0 if there is only one image
    num_train: int
    notes: tuple[str, ...]  # what the user should know of the splits and classes, a line each
    folders: dict[str, int]  # times of last change, in ns; only local folders

    def is_current(self) -> bool:
        """Whether no folder changed since it was listed."""
        return self.folders == _changed(self.folders)


# Splits and stages that are open at the same time share a listing, to save memory.
_listings: weakref.WeakValueDictionary[tuple[str, str | None], Listing] = (
    weakref.WeakValueDictionary()
)


def image_paths(root: str, flag: str) -> list[str]:
    """Sorted paths, relative to `root`, of the images under it; no samples of models.

    Args:
        root: the folder.
        flag: name of the setting that gives the folder, for messages.

    Raises:
        UserError: the folder is missing, or has no images.

    >>> image_paths("no/such/folder", "`data_dir`")
    Traceback (most recent call last):
    cascade_tf.errors.UserError: `data_dir`: there is no folder no/such/folder
    """
    return _images_and_folders(root, flag)[0]


def _images_and_folders(root: str, flag: str) -> tuple[list[str], list[str]]:
    if not tf.io.gfile.isdir(root):
        if tf.io.gfile.exists(root):
            parent = os.path.dirname(root) or "."
            raise UserError(f"{flag}: {root} is a file: name the folder that it is in, {parent}")
        raise UserError(f"{flag}: there is no folder {root}")
    walk = tf.io.gfile.walk if "://" in root else _walk
    paths: list[str] = []
    left_out: list[str] = []
    folders = []
    for folder, _, names in without_own_outputs(root, walk(root)):
        folders.append(folder)
        inside = folder[len(root) :].strip("/")  # os.path.relpath does not support gs://
        for name in names:
            if not _is_hidden(inside, name):
                is_image = is_image_file(os.path.join(folder, name))
                (paths if is_image else left_out).append(os.path.join(inside, name))
    others = other_files(sorted(left_out)) if left_out else None
    if not paths:
        if tf.io.gfile.exists(os.path.join(root, "samples.npz")):
            others = "samples of a model"
        raise UserError(
            f"{flag}: no images in the folder {root}" + (f", only {others}" if others else "")
        )
    if others:
        report_once(f"{absolute(root)}: left out {others}")
    paths.sort()
    return paths, folders


def list_folder(root: str, test_root: str | None = None) -> Listing:
    """The listing of a folder, shared with other sources while it is current.

    Args:
        root: the folder; see `folder_splits.py` for splits in it.
        test_root: a folder of the test split; None: it is found in `root`.

    Raises:
        UserError: a folder is missing, or has no images; or there are others beside splits.
    """
    listing = _listings.get((root, test_root))
    if listing is not None and listing.is_current():
        return listing
    paths, folders = _images_and_folders(root, "`data_dir`")
    if test_root is None:
        division = divided(root, paths)
    else:
        test_paths, test_folders = _images_and_folders(test_root, "`test_dir`")
        division = divided_by_test_dir(root, paths, test_root, test_paths)
        folders += test_folders
    roots = division.roots
    order = np.lexsort((division.hashes, division.parts))
    listing = Listing(
        tf.constant(
            [
                os.fsencode(os.path.join(roots[division.parts[place]], division.paths[place]))
                for place in order
            ]
        ),
        tf.constant(division.labels[order]),
        division.class_names,
        division.unknown_classes,
        int(np.sum(division.parts == TEST)),
        int(np.sum(division.parts == TRAIN)),
        division.notes,
        _changed(folders),
    )
    _listings[root, test_root] = listing
    return listing


def _changed(folders: Iterable[str]) -> dict[str, int]:
    """Times of the folders' last changes, in ns; only of local folders that exist."""
    return {path: os.stat(path).st_mtime_ns for path in folders if os.path.isdir(path)}


def _walk(root: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Like os.walk, but follows symbolic links that lead out of `root`, and no folder twice."""
    top = os.path.realpath(root)
    visited = {top}

    def is_new(path: str) -> bool:
        target = os.path.realpath(path)
        inside = os.path.islink(path) and target.startswith(os.path.join(top, ""))
        if inside or target in visited:  # folders inside are walked without the link
            return False
        visited.add(target)
        return True

    for folder, folders, names in os.walk(root, followlinks=True, onerror=_raise):
        folders[:] = [name for name in sorted(folders) if is_new(os.path.join(folder, name))]
        yield folder, folders, names


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_hidden(folder: str, name: str) -> bool:
    return any(part.startswith(".") for part in (*folder.split("/"), name))
