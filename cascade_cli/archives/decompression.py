"""Writes the pictures of archives as PNG files."""

import io
from typing import Any

from etils import epath
from PIL import Image

from cascade_cli.archives.files import file_names, input_paths, progress, read_archive
from cascade_cli.options import DecompressOptions
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite, write_atomically
from cascade_tf.pictures import png_bytes
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
    names = {key: _names(key, read_archive(path), len(paths)) for key, path in paths.items()}
    targets = [output / name for own in names.values() for name in own]
    if not options.overwrite:
        refuse_to_overwrite(targets)
    make_directory(output)
    trained: list[Any] = experiment.load_stages()
    compressor = Compressor(trained)
    total = sum(compressor.slices_to_read(path.read_bytes(), stages) for path in paths.values())
    written = 0
    with progress("decompress", total) as on_slice:
        for key, path in paths.items():
            try:
                pictures = compressor.read(path.read_bytes(), stages, on_slice)
                for name, picture in zip(names[key], pictures, strict=True):
                    file = picture.file if picture.pixels is None else png_bytes(picture.pixels)
                    (output / name).parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(output / name, file)
                    written += 1
            except ArchiveError as error:
                done = f"; {written} of {len(targets)} pictures are written" if written else ""
                raise ArchiveError(f"{path}: {error}{done}") from error
    print(f"{written} pictures: {output}")


def _names(key: str, archive: Archive, archives: int) -> list[str]:
    """Names of the files of an archive: as recorded, else the archive's own, else numbers.

    Args:
        key: the archive's name.
        archive: the archive.
        archives: that are decompressed together. If they are several, those of more than one
            picture have a folder each.
    """
    entries, files = archive.entries, iter(archive.files)
    folder = f"{key}/" if archives > 1 and len(entries) > 1 else ""
    kept, pictures = {}, {}
    for number, entry in enumerate(entries):
        name = folder + (entry.name or (f"{number:05d}" if len(entries) > 1 else key))
        if entry.kind == "file":
            file = next(files)
            kept[number] = name if entry.name else name + _extension(file)
        else:
            pictures[number] = name
    renamed = file_names(pictures.values(), ".png", kept.values())
    names = kept | dict(zip(pictures, renamed, strict=True))
    return [names[number] for number in range(len(entries))]


def _extension(file: bytes) -> str:
    try:
        with Image.open(io.BytesIO(file)) as image:
            return f".{(image.format or 'bin').lower()}"
    except Exception:  # damaged files raise errors of any type
        return ".bin"
