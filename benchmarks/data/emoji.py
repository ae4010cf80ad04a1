#!/usr/bin/env python3
"""Makes a data set of emoji, from npm's emoji-datasource-twitter.

    python -m benchmarks.data.emoji --output_dir=DIR [--package_dir=PACKAGES]

    DIR/{train,test}/CATEGORY/CODEPOINTS.png   64x64, RGB on white
    DIR/sources.txt                            version, licences and counts

A share of each category is held out. Variants of an emoji, by skin, person, sex or direction, are
on the same side. Of identical pictures one is kept. `train --dataset=folder --data_dir=DIR` trains
on them; the categories are classes.
"""

import collections
import json
import os
import re
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from etils import epath
from PIL import Image

from cascade_tf.data.image_decoding import decode_rgb

from .held_out import held_out
from .new_set import run
from .packages import Package, fetch, files

PACKAGE = Package(
    "emoji-datasource-twitter",
    "16.0.0",
    "https://registry.npmjs.org/emoji-datasource-twitter/-/emoji-datasource-twitter-16.0.0.tgz",
    "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    "CC-BY-4.0 (pictures, by Twitter and other contributors), MIT (code)",
)
_HELD_OUT = 0.12
_PICTURES = "package/img/twitter/64/"
_SWATCHES = "Component"  # five squares of one colour
_PEOPLE = {"1f468", "1f469", "1f9d1"}
_VARIATION = re.compile("1f3f[b-f]|200d|fe0f|2640|2642|27a1")  # skin, sex, direction, joiners


def kind(codepoints: str) -> str:
    """What an emoji shows, whoever it is: the name that all its variants share.

    >>> kind("1f469-1f3fd-200d-1f373"), kind("1f468-200d-1f373")  # two cooks
    ('1f373', '1f373')
    >>> kind("1f3c3-1f3fb-200d-2640-fe0f"), kind("1f1fa-1f1f8")  # a runner, a flag
    ('1f3c3', '1f1fa-1f1f8')
    """
    parts = [part for part in codepoints.split("-") if not _VARIATION.fullmatch(part)]
    parts = [part for part in parts if part not in _PEOPLE] or parts[:1] or [codepoints]
    return "-".join(parts)


def category_folder(category: str) -> str:
    """Name of a category's folder.

    >>> category_folder("Food & Drink")
    'food_drink'
    """
    return "_".join(re.findall("[a-z]+", category.lower()))


def write_set(directory: epath.Path, package: bytes, seed: int) -> str:
    """Writes the set of an npm package, and returns the table of its categories."""
    content = dict(files(package))
    kinds: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    seen = set[bytes]()
    for category, image in _listed(json.loads(content["package/emoji.json"])):
        picture = decode_rgb(content[_PICTURES + image])
        if picture.tobytes() not in seen:
            seen.add(picture.tobytes())
            of_category = kinds.setdefault(category_folder(category), {})
            of_category.setdefault(kind(image.removesuffix(".png")), {})[image] = picture
    rows, totals = [], collections.Counter[str]()
    for category, of_category in sorted(kinds.items()):
        counts, test = collections.Counter[str](), held_out(of_category, _HELD_OUT, seed)
        for name, pictures in of_category.items():
            split = "test" if name in test else "train"
            folder = directory / split / category
            folder.mkdir(parents=True, exist_ok=True)
            for image, picture in pictures.items():
                Image.fromarray(picture).save(folder / image)
            counts[split] += len(pictures)
        rows.append(f"{category:20}{counts['train']:>7,}{counts['test']:>7,}\n")
        totals += counts
    head = f"{PACKAGE.name} {PACKAGE.version}: {PACKAGE.licences}\n{'category':20}  train   test\n"
    return head + "".join(rows) + f"{'total':20}{totals['train']:>7,}{totals['test']:>7,}\n"


def _listed(emoji: list[dict]) -> Iterator[tuple[str, str]]:
    """Category and file of each emoji and each of its skins."""
    for entry in emoji:
        for drawn in (entry, *entry.get("skin_variations", {}).values()):
            if drawn["has_img_twitter"] and entry["category"] != _SWATCHES:
                yield entry["category"], drawn["image"]


def main(_: list[str]) -> None:
    values = flags.FLAGS
    run(
        {"package": PACKAGE.sha256, "seed": values.seed},
        lambda directory: write_set(directory, fetch(PACKAGE, values.package_dir), values.seed),
    )


if __name__ == "__main__":
    app.run(main)
