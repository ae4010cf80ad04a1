"""Split and class of each image of a folder.

- The folders directly in `data_dir` are classes. A hash of an image's path decides whether it is in
  the test split, which has one image in ten.
- If those folders are splits, such as `train` and `test`, or `DIV2K_train_HR` and `DIV2K_valid_HR`,
  the folders in them are classes. `val` is the test split if there is no `test`; else it is in
  neither split.
- If there is a `test_dir`, it is the test split, and has the classes of `data_dir`.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cascade_tf.class_names import listed
from cascade_tf.errors import UserError

TEST, TRAIN, NEITHER = range(3)
_TEST_SHARE = 0.1
_WORDS = {
    "train": "train|training|trainval",
    "val": "val|valid|validation|dev|eval|evaluation",
    "test": "test|testing|hold_?out|held_?out",
}
_SUFFIX = "_?(set|images|data|split)?"


class Division(NamedTuple):
    """Images with their splits and classes.

    Attributes:
        roots: folders that the images of TEST, TRAIN and NEITHER are in.
        paths: of the images, relative to these, N.
        hashes: of the paths, float64 [N] in [0, 1).
        parts: int8 [N], TEST, TRAIN or NEITHER.
        labels: int32 [N], numbers of the classes; -1 for those that training images lack.
        class_names: by number; "" for images outside of class folders.
        unknown_classes: names of those that training images lack.
        notes: what the user should know of them, a line each.
    """

    roots: tuple[str, str, str]
    paths: Sequence[str]
    hashes: np.ndarray
    parts: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    unknown_classes: tuple[str, ...]
    notes: tuple[str, ...]


def divided(root: str, paths: Sequence[str]) -> Division:
    """The images of a folder, divided as its folders say, or at random.

    Args:
        root: the folder.
        paths: of the images, sorted and relative to `root`.

    Raises:
        UserError: there are folders or images beside those of splits.

    >>> division = divided("data", ["train/cat/1.png", "train/cat/2.png", "val/cat/1.png"])
    >>> division.parts.tolist(), division.class_names
    ([1, 1, 0], ('cat',))
    """
    splits = _splits(root, paths)
    hashes = _hashes(paths)
    labels, names = _numbered(_class_name(path, splits) for path in paths)
    if not splits:
        # Neither split is empty if that is possible.
        num_test = min(max(1, int((hashes < _TEST_SHARE).sum())), len(hashes) - 1)
        parts = np.full(len(paths), TRAIN, np.int8)
        parts[np.argsort(hashes, kind="stable")[:num_test]] = TEST
        return Division((root,) * 3, paths, hashes, parts, labels, names, (), _hints(root, paths))
    held_out = "test" if "test" in splits.values() else "val"
    part_of = {"train": TRAIN, held_out: TEST}
    parts = _parts(part_of.get(splits[_first_folder(path)], NEITHER) for path in paths)
    about = f"{listed(sorted(splits))} in {root} are splits: {_counted(parts)}"
    if NEITHER in parts:
        about += f"; the {np.sum(parts == NEITHER):,} of val are in neither"
    labels, names, unknown = _of_training(labels, names, parts)
    notes = (about, *_class_notes(labels, names, unknown, parts))
    return Division((root,) * 3, paths, hashes, parts, labels, names, unknown, notes)


def divided_by_test_dir(
    root: str, paths: Sequence[str], test_root: str, test_paths: Sequence[str]
) -> Division:
    """The images of a folder to train on, and those of another folder to hold out.

    Images of `test_root` that are in `root`, too, are held out. If `root` has folders of splits,
    those of held-out images are in neither split.

    Args:
        root, test_root: the folders.
        paths, test_paths: of their images, sorted and relative to the folder.

    Raises:
        UserError: see `divided`; or no images are left to train on.

    >>> division = divided_by_test_dir("a", ["cat/1.png"], "b", ["cat/1.png", "cat/2.png"])
    >>> division.parts.tolist(), division.notes
    ([1, 0, 0], ('1 training image in a, 2 held out in b',))
    """
    top, held_out = (os.path.join(os.path.realpath(folder), "") for folder in (root, test_root))
    paths = [path for path in paths if not f"{top}{path}".startswith(held_out)]
    if not paths:
        raise UserError(f"`test_dir`={test_root} holds out all images of `data_dir`={root}")
    splits = _splits(root, paths)
    is_train = (splits.get(_first_folder(path), "train") == "train" for path in paths)
    parts = _parts([*(TRAIN if own else NEITHER for own in is_train), *[TEST] * len(test_paths)])
    labels, names = _numbered(
        [*(_class_name(path, splits) for path in paths), *map(_first_folder, test_paths)]
    )
    about = _counted(parts, f" in {root}", f" in {test_root}")
    if NEITHER in parts:
        others = sorted(name for name, split in splits.items() if split != "train")
        about += f"; {listed(others)} in {root} are in neither split"
    labels, names, unknown = _of_training(labels, names, parts)
    notes = (about, *_class_notes(labels, names, unknown, parts))
    whole = [*paths, *test_paths]
    roots = (test_root, root, root)
    return Division(roots, whole, _hashes(whole), parts, labels, names, unknown, notes)


def split_of(folder: str, *, whole: bool = False) -> str | None:
    """The split that the name of a folder stands for: `train`, `val`, `test`; None: no split.

    Args:
        folder: its name.
        whole: whether the name must have no other words than the split's, `set`, `images` and the
            like. Else one word of several is enough; a digit or an upper-case letter begins a word.

    >>> split_of("Training"), split_of("val2017"), split_of("test_images"), split_of("trains")
    ('train', 'val', 'test', None)
    >>> split_of("trainA"), split_of("DIV2K_valid_HR"), split_of("DIV2K_valid_HR", whole=True)
    ('train', 'val', None)
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", folder)
    name = re.sub(r"[\W\d_]+", "_", name).strip("_").lower()
    for split, words in _WORDS.items():
        word = f"({words}){_SUFFIX}"
        if re.fullmatch(word, name) or (not whole and re.search(rf"(?<![^_]){word}(?![^_])", name)):
            return split
    return None


def _splits(root: str, paths: Sequence[str]) -> Mapping[str, str]:
    """The splits by the names of their folders; empty if `root` is not divided into splits."""
    tops = {_first_folder(path) for path in paths}
    splits = _splits_among(tops)
    if _are_splits(splits.values()) and len(splits) == len(tops):
        return splits
    splits = _splits_among(tops, whole=True)
    if not _are_splits(splits.values()):
        return {}
    others = sorted(tops - splits.keys())
    raise UserError(
        f"{root} has the splits {listed(sorted(splits))}, and beside them {listed(others)}: "
        f"move that away, or name the images to train on by `data_dir`, and those to hold out "
        f"by `test_dir`"
    )


def _splits_among(folders: Iterable[str], *, whole: bool = False) -> dict[str, str]:
    return {name: split for name in folders if (split := split_of(name, whole=whole)) is not None}


def _are_splits(splits: Iterable[str]) -> bool:
    return "train" in splits and len(set(splits)) > 1


def _hints(root: str, paths: Sequence[str]) -> tuple[str, ...]:
    """A line if folders look like splits, or further down like classes, but are not taken so."""
    tops = {_first_folder(path) for path in paths}
    splits = _splits_among(tops)
    if len(set(splits.values())) > 1 and (len(splits) == len(tops) or "train" in splits.values()):
        why = "there are images beside them" if len(splits) < len(tops) else "none is for training"
        return (
            f"{listed(sorted(splits))} in {root} look like splits, but are taken as classes, since "
            f"{why}: their images are in both splits at random; `test_dir` names a folder of "
            f"held-out images",
        )
    folders = {os.path.dirname(path) for path in paths}
    inside: dict[str, set[str]] = {}  # names of folders, by the folder that they are in
    for folder in folders:
        parts = folder.split("/")
        for depth in range(1, len(parts)):
            inside.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    for folder, names in sorted(inside.items()):
        splits = _splits_among(names)
        if _are_splits(splits.values()):
            return (
                f"{listed(sorted(splits))} in {root}/{folder} are not taken as splits, since only "
                f"folders directly in `data_dir` are: its images are in both splits at random",
            )
    if len(tops) == 1 and len(inside.get(top := tops.pop(), ())) > 1:
        return (
            f"all images are in {root}/{top}, so there is one class: if the folders in it are "
            f"classes, name it by `data_dir`",
        )
    return ()


def _of_training(
    labels: np.ndarray, names: Sequence[str], parts: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Labels and names of the classes of training images, and the names of all other classes."""
    trained = np.unique(labels[parts == TRAIN])
    places = np.full(len(names), -1, np.int32)
    places[trained] = np.arange(len(trained))
    unknown = tuple(name for name, place in zip(names, places, strict=True) if place < 0)
    return places[labels], tuple(names[number] for number in trained), unknown


def _class_notes(
    labels: np.ndarray, names: Sequence[str], unknown: Sequence[str], parts: np.ndarray
) -> tuple[str, ...]:
    """Lines about classes that are not on both sides."""
    notes = []
    if unknown and len(names) > 1:  # no model knows one class
        notes.append(
            f"held-out images have {_classes(unknown)}, but training images {_classes(names)}: "
            f"this matters only to models that know classes"
        )
    held_out = set(labels[parts == TEST]) - {-1}
    missing = [name for number, name in enumerate(names) if number not in held_out]
    if missing and held_out:
        notes.append(f"no images are held out of {listed(missing)}")
    return tuple(notes)


def _classes(names: Sequence[str]) -> str:
    return "no class folders" if tuple(names) == ("",) else f"the classes {listed(names)}"


def _counted(parts: np.ndarray, of_train: str = "", of_test: str = "") -> str:
    train, test = int(np.sum(parts == TRAIN)), int(np.sum(parts == TEST))
    return f"{train:,} training image{'s' * (train > 1)}{of_train}, {test:,} held out{of_test}"


def _parts(values: Iterable[int]) -> np.ndarray:
    return np.fromiter(values, np.int8)


def _numbered(classes: Iterable[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The place of each class among the sorted names, int32 [N], and these names."""
    found: dict[str, int] = {}
    numbers = np.fromiter((found.setdefault(name, len(found)) for name in classes), np.int32)
    names = sorted(found)
    places = np.empty(len(names), np.int32)
    places[[found[name] for name in names]] = np.arange(len(names))
    return places[numbers], tuple(names)


def _hashes(paths: Sequence[str]) -> np.ndarray:
    return np.fromiter((_hash_in_unit_interval(path) for path in paths), np.float64)


def _first_folder(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


def _class_name(path: str, splits: Mapping[str, str]) -> str:
    return _first_folder(path.partition("/")[2] if splits else path)


def _hash_in_unit_interval(path: str) -> float:
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
