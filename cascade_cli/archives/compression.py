"""Compresses pictures without loss, with a trained Subscale Pixel Network as their model."""

import io
import os
import pathlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from etils import epath
from PIL import Image, ImageOps

from cascade_cli.archives.files import SUFFIX, counted, file_names, progress
from cascade_cli.options import CompressOptions
from cascade_tf.data.deep_pixels import with_8_bits
from cascade_tf.data.folder_listing import image_paths
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite, write_atomically
from spn_tf.compression.archive import is_control
from spn_tf.compression.compressor import Compressed, Compressor
from spn_tf.compression.picture import Picture
from spn_tf.model import SPNModel

_NAMED = 3  # files that a message names
# By mode of Pillow that can be coded if it is opaque: that of its colours.
_COLOURS = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGB": "RGB", "RGBA": "RGB"}


def compress(experiment: Experiment, options: CompressOptions) -> None:
    """Writes an archive, or one for each picture."""
    for option in ("from_images", "output"):
        if not getattr(options, option):
            raise UsageError(f"`{option}` is missing")
    root = os.path.expanduser(options.from_images or "")
    output = epath.Path(options.output or "").expanduser()
    names = image_paths(root, "`from_images`")
    targets = [output]
    if options.each:
        targets = [output / name for name in file_names(names, [SUFFIX] * len(names))]
    if output.is_dir() and not options.each:
        options.refuse("it is a folder: name a file, or add `each`", "output")
    if options.each and output.exists() and not output.is_dir():
        options.refuse("it is a file, and `each` needs a folder", "output")
    if options.each and not options.names:
        options.refuse("with `each`, archives have the names of their pictures", "names")
    if not options.overwrite:
        refuse_to_overwrite(targets)
    make_directory(output if options.each else output.parent)
    stages: list[Any] = experiment.load_stages()
    model = SPNModel(stages)
    pictures = _with_classes(model, [_read(root, name) for name in names])
    compressor = Compressor(model.stages, workers=1 if options.each else None)
    groups = [[picture] for picture in pictures] if options.each else [pictures]
    total = sum(compressor.slices_to_write(group, options.verify) for group in groups)
    with progress("compress", total) as on_slice, ThreadPoolExecutor(os.cpu_count()) as pool:

        def write(group: list[Picture], target: epath.Path) -> Compressed:
            keeps_names = options.names and not options.each
            named = [p if keeps_names else p._replace(name="") for p in group]
            done = compressor.write(named, options.verify, options.portable, on_slice)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, done.data)
            return done

        results = list(pool.map(write, groups, targets))
    _report(groups, results, output, options)


def _read(root: str, name: str) -> Picture:
    """A picture of a folder, as it is displayed; without pixels if they are of another kind."""
    content = pathlib.Path(root, name).read_bytes()
    kept_name = os.fsencode(name).decode(errors="backslashreplace")
    kept_name = "".join(f"\\x{ord(c):02x}" if is_control(c) else c for c in kept_name)
    file = Picture(None, kept_name, content)
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode not in _COLOURS or getattr(image, "n_frames", 1) > 1:
                return file
            # Pillow scales some files to 8 bits without a word.
            is_scaled = image.format == "AVIF" or (
                image.format == "PPM" and image.tile[0][0] == "ppm"
            )
            if is_scaled or with_8_bits(image, content) is not image:
                return file
            upright = ImageOps.exif_transpose(image)
            if upright.convert("RGBA").getchannel("A").getextrema() != (255, 255):
                return file
            pixels = np.asarray(upright.convert(_COLOURS[image.mode]))
    except Exception:  # damaged files raise errors of any type
        return file
    return file._replace(pixels=pixels.reshape(*pixels.shape[:2], -1))


def _with_classes(model: SPNModel, pictures: list[Picture]) -> list[Picture]:
    """The pictures with their most likely classes."""
    nothing = np.zeros([0, 0, 1], np.uint8)
    labels = model.likely_classes([nothing if p.pixels is None else p.pixels for p in pictures])
    return [p._replace(label=int(label)) for p, label in zip(pictures, labels, strict=True)]


def _report(
    groups: list[list[Picture]],
    results: list[Compressed],
    output: epath.Path,
    options: CompressOptions,
) -> None:
    kept = [group[n].name for group, r in zip(groups, results, strict=True) for n in r.kept]
    if kept:
        listed = ", ".join(kept[:_NAMED]) + (", ..." if len(kept) > _NAMED else "")
        print(f"{len(kept)} kept as files, which the model cannot code without loss: {listed}")
    pictures = [picture for group in groups for picture in group]
    size, before = (
        sum(map(len, x)) for x in ([r.data for r in results], [p.file for p in pictures])
    )
    values = sum(p.pixels.size for p in pictures if p.pixels is not None)
    rate = f", {8 * size / values:.4f} bits/dim" if values and not kept else ""
    grown = ", more than the files" if size > before else ""
    checked = "" if options.verify else "; not decoded and compared"
    sizes = f"{size:,} bytes of {before:,} of the files{rate}{grown}"
    print(f"{counted(len(pictures))}, {sizes}{checked}: {output}")
    if results[0].needs:
        print(f"reading needs the model, {results[0].needs}; with --portable the model alone")
