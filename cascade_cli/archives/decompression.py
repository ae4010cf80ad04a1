"""Writes the pictures of archives as PNG files."""

import io
import itertools
import pathlib
from typing import Any

from etils import epath
from PIL import Image

from cascade_cli.archives.files import counted, file_names, input_paths, progress
from cascade_cli.options import DecompressOptions
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite, write_atomically
from cascade_tf.pictures import png_bytes
from spn_tf.compression import archive
from spn_tf.compression.archive import Archive, ArchiveError
from spn_tf.compression.compressor import Compressor


def decompress(experiment: Experiment, options: DecompressOptions) -> None:
    """Writes each picture as soon as it is decoded and checked."""
    if not options.output_dir:
        raise UsageError("`output_dir` is missing: name a directory for the pictures")
    stages = None
    if options.stage is not None:
        if options.stage not in experiment.stage_names:
            options.refuse(f"the stages are {', '.join(experiment.stage_names)}", "stage")
        stages = experiment.stage_names.index(options.stage) + 1
    output = epath.Path(options.output_dir).expanduser()
    paths = input_paths(options)
    contents = {key: path.read_bytes() for key, path in paths.items()}
    names = _names({key: _parsed(paths[key], data) for key, data in contents.items()})
    targets = [output / name for own in names.values() for name in own]
    if not options.overwrite:
        refuse_to_overwrite(targets)
    make_directory(output)
    trained: list[Any] = experiment.load_stages()
    compressor = Compressor(trained)
    total = sum(compressor.slices_to_read(data, stages) for data in contents.values())
    written = 0
    with progress("decompress", total) as on_slice:
        for key, data in contents.items():
            try:
                pictures = compressor.read(data, stages, on_slice)
                for name, picture in zip(names[key], pictures, strict=True):
                    file = picture.file if picture.pixels is None else png_bytes(picture.pixels)
                    (output / name).parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(output / name, file)
                    written += 1
            except ArchiveError as error:
                done = f"; {written} of {counted(len(targets))} are written" if written else ""
                raise ArchiveError(f"{paths[key]}: {error}{done}") from error
    print(f"{counted(written)}: {output}")


def _parsed(path: epath.Path, data: bytes) -> Archive:
    try:
        return archive.read(data)
    except ArchiveError as error:
        raise ArchiveError(f"{path}: {error}") from error


def _names(archives: dict[str, Archive]) -> dict[str, list[str]]:
    """Names of the files of archives, all different, with slashes.

    Those of one archive are as recorded, else the archive's own or numbers. Of several archives,
    those of one picture have the archive's name, and others a folder of its name.

    Args:
        archives: by name.
    """
    wanted: dict[str, list[str]] = {}
    suffixes: list[str] = []
    for key, content in archives.items():
        files, wanted[key] = iter(content.files), []
        for number, entry in enumerate(content.entries):
            suffix = ".png"
            if entry.kind == "file":
                file = next(files)
                suffix = pathlib.PurePosixPath(entry.name).suffix if entry.name else _suffix(file)
            name = entry.name or f"{number:05d}{suffix}"
            if len(content.entries) == 1 and (len(archives) > 1 or not entry.name):
                name = key if key.endswith(suffix) else key + suffix
            elif len(archives) > 1:
                name = f"{key}/{name}"
            wanted[key].append(name)
            suffixes.append(suffix)
    names = iter(file_names(list(itertools.chain(*wanted.values())), suffixes))
    return {key: [next(names) for _ in own] for key, own in wanted.items()}


def _suffix(file: bytes) -> str:
    try:
        with Image.open(io.BytesIO(file)) as image:
            return f".{(image.format or 'bin').lower()}"
    except Exception:  # damaged files raise errors of any type
        return ".bin"
