"""Pictures that are on both sides of a split, pixel by pixel or nearly.

Held-out pictures measure how a model does on new ones, if they are new. A copy of a training
picture is not, and neither are the next frame of a video and a window that overlaps another.
"""

import bisect
import hashlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cascade_tf.data.folder import FolderSource, decode_file, printable
from cascade_tf.data.picture_similarity import NEARLY_EQUAL, detail, similarities
from cascade_tf.data.source import Source

_SECONDS = 10.0
_THREADS = 4
_DECODED_AT_ONCE = 32
_SAMPLE = 16  # held-out pictures to look for similar ones of
_NEIGHBOURS = 4  # training pictures before and after each of them, in the order of paths
_MOST_COMPARED = 300  # further training pictures to compare each of them with


class Overlap(NamedTuple):
    """Pictures on both sides of a split.

    Attributes:
        identical: pairs of a held-out picture and a training picture with the same pixels.
        similar: pairs that are nearly equal, for held-out pictures of a sample.
        sampled: number of pictures of that sample.
        compared: numbers of held-out and of training pictures that there was time for.
        totals: numbers of held-out and of training pictures.
    """

    identical: list[tuple[str, str]]
    similar: list[tuple[str, str]]
    sampled: int
    compared: tuple[int, int]
    totals: tuple[int, int]


class _Picture(NamedTuple):
    digest: bytes  # of the pixels
    detail: np.ndarray | None


def overlap_warnings(train: Source, test: Source | None, seconds: float = _SECONDS) -> list[str]:
    """Lines about pictures of folders that are on both sides of a split; see `overlap`.

    If the time was up before all were compared, a line says so.
    """
    if not (isinstance(train, FolderSource) and isinstance(test, FolderSource)):
        return []
    found = overlap(train.paths(), test.paths(), seconds)
    (held_out, trained), (all_held_out, all_trained) = found.compared, found.totals
    partial = ""
    if found.compared != found.totals:
        partial = (
            f"; compared were {held_out:,} of {all_held_out:,} held-out pictures with {trained:,} "
            f"of {all_trained:,} training pictures"
        )
    lines = []
    if found.identical:
        count = len(found.identical)
        number = f"{count:,} held-out picture{'s are' if count > 1 else ' is'}"
        lines.append(
            f"{number} also trained on, pixel by pixel: {_named(found.identical[0])}{partial}"
        )
    elif partial:
        lines.append(f"no held-out picture was found among the training pictures{partial}")
    if len(found.similar) > 1 and 2 * len(found.similar) >= found.sampled:
        lines.append(
            f"most held-out pictures nearly equal one that is trained on, such as "
            f"{_named(found.similar[0])} (windows that overlap, or frames of a video?): they are "
            f"no test of the model, hold out others by `test_dir`"
        )
    return lines


def overlap(train: Sequence[str], test: Sequence[str], seconds: float) -> Overlap:
    """Looks for pictures that are on both sides of a split.

    Files of equal sizes are compared first, since copies have them, then others in turn.

    Args:
        train: paths of training pictures, in random order.
        test: paths of held-out pictures, in random order.
        seconds: time after which no more pictures are decoded.
    """
    deadline = time.monotonic() + seconds
    sample = test[:_SAMPLE]
    neighbours = _neighbours(sample, train)
    first = itertools.chain(sample, *neighbours.values(), _of_equal_sizes(train, test))
    paths = dict.fromkeys(itertools.chain(first, _in_turn(test, train)))
    tried = dict(_decoded(paths, deadline))
    pictures = {path: picture for path, picture in tried.items() if picture is not None}
    own = [path for path in train if path in pictures]
    by_digest = {pictures[path].digest: path for path in reversed(own)}
    held_out = [path for path in test if path in pictures]
    identical = [
        (path, by_digest[pictures[path].digest])
        for path in held_out
        if pictures[path].digest in by_digest
    ]
    details = {
        path: picture.detail for path, picture in pictures.items() if picture.detail is not None
    }
    candidates = (*itertools.chain(*neighbours.values()), *own[:_MOST_COMPARED])
    sampled = {path: details[path] for path in sample if path in details}
    similar = _similar_pairs(
        sampled, {path: details[path] for path in candidates if path in details}
    )
    compared = (sum(path in tried for path in test), sum(path in tried for path in train))
    totals = (len(test), len(train))
    return Overlap(identical, similar, len(sampled), compared, totals)


def _similar_pairs(
    held_out: Mapping[str, np.ndarray], trained: Mapping[str, np.ndarray]
) -> list[tuple[str, str]]:
    """Pairs that are nearly equal, by the details of pictures: at most one of each held-out one."""
    if not held_out or not trained:
        return []
    scores = similarities(np.stack([*held_out.values()]), np.stack([*trained.values()]))
    best = [list(trained)[place] for place in scores.argmax(1)]
    pairs = zip(held_out, best, scores.max(1), strict=True)
    return [(path, other) for path, other, score in pairs if score >= NEARLY_EQUAL]


def _neighbours(sample: Sequence[str], train: Sequence[str]) -> dict[str, list[str]]:
    """Training pictures whose paths are beside those of the sample: frames of the same video."""
    ordered = sorted(train)
    places = {path: bisect.bisect(ordered, path) for path in sample}
    return {
        path: ordered[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
        for path, place in places.items()
    }


def _of_equal_sizes(train: Sequence[str], test: Sequence[str]) -> Iterator[str]:
    """Paths of files of one side that are as large as a file of the other side."""
    sizes = [{path: _size(path) for path in side} for side in (test, train)]
    common = set(sizes[0].values()) & set(sizes[1].values()) - {None}
    return (path for side in sizes for path, size in side.items() if size in common)


def _size(path: str) -> int | None:
    return os.stat(path).st_size if os.path.isfile(path) else None


def _in_turn(*sides: Sequence[str]) -> Iterator[str]:
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*sides))
    return (path for path in in_turn if path is not None)


def _decoded(paths: Iterable[str], deadline: float) -> Iterator[tuple[str, _Picture | None]]:
    """Pairs of a path and its picture, until the deadline; None for undecodable ones."""
    remaining = iter(paths)
    with ThreadPoolExecutor(_THREADS) as pool:
        while time.monotonic() < deadline:
            chunk = list(itertools.islice(remaining, _DECODED_AT_ONCE))
            if not chunk:
                return
            yield from zip(chunk, pool.map(_picture, chunk), strict=True)


def _picture(path: str) -> _Picture | None:
    try:
        pixels = decode_file(os.fsencode(path))
    except ValueError:  # training treats it as `bad_images` says
        return None
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(pixels.tobytes())
    return _Picture(digest.digest(), detail(pixels))


def _named(pair: tuple[str, str]) -> str:
    held_out, trained = (printable(os.fsencode(path)) for path in pair)
    return f"{held_out} as {trained}"
