"""Exact bits/dim of likelihood models, beside those of image codecs."""

import numpy as np
import rich.table
import tensorflow as tf

from cascade_cli.archives.files import progress
from cascade_cli.evaluation.report import Figures
from cascade_tf.codecs import TITLES, codec_bits_per_dim
from cascade_tf.data import Source
from cascade_tf.evaluation import Evaluator
from cascade_tf.experiment import Experiment
from cascade_tf.progress import ProgressBar
from cascade_tf.stage import Stage
from spn_tf.compression.compressor import Compressor
from spn_tf.compression.picture import Picture
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.spn_stage import SPNStage

# Codecs are measured on at most this many images, and values. A million values take WebP and
# JPEG XL 3 to 8 seconds.
CODEC_IMAGES = 1000
_SHEET_VALUES, _FILE_VALUES = 2**24, 2**22
_BATCH_SIZE = 100


def evaluate(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    report: Figures,
    codecs: bool = True,
    files: bool = True,
    archive: bool = False,
) -> None:
    """Evaluates one stage after another, so that they need not fit into memory together.

    Args:
        experiment: of likelihood models.
        strategy: spreads batches over devices.
        source, total: the images, and the number of them.
        report: of the evaluation.
        codecs: whether PNG, WebP and JPEG XL are measured too, with all images on one sheet.
        files: whether they are also measured with each image in a file of its own.
        archive: whether the images of the codecs are also compressed with the model.
    """
    experiment.require_classes_of(source)
    report.begin(
        *experiment.stage_names,
        "total",
        *(TITLES if codecs else ()),
        *(["archive"] if archive else ()),
    )
    results = report.results
    results |= {"steps": {}, "stages": {}}
    nats = np.zeros(1)
    for name in experiment.stage_names:
        stage = _likelihood_stage(experiment.make_stage(name))
        state = experiment.load_state(stage, strategy)
        size = experiment.inference_batch_size(name)
        with ProgressBar(f"evaluate {name}", total, "images") as bar:
            evaluator = Evaluator(stage.evaluate_step, strategy)
            figures = evaluator.evaluate(source, size, total, bar.advance)
        part = figures["nats"].astype(np.float64)
        nats = nats + part
        results["steps"][name] = int(state.step.numpy())
        results["stages"][name] = float(stage.bits_per_dim(part.mean()))
        if isinstance(stage, SPNStage) and stage.first_slice_given and stage.models_first_slice:
            results["size_stage_alone"] = float(figures["bits_per_dim"].mean())
        report.done(name, f"{name}: {results['stages'][name]:.4f} bits/dim")
    bits_per_dim = stage.bits_per_dim(nats)
    results["is_exact"] = stage.is_exact
    results["images"] = len(nats)  # bad ones may have been skipped
    results["nats"] = float(nats.mean())
    results["bits_per_dim"] = float(stage.bits_per_dim(nats.mean()))
    # Standard error of the mean: its spread over other sets of held-out images.
    error = bits_per_dim.std(ddof=1) / np.sqrt(len(nats)) if len(nats) > 1 else None
    results["standard_error"] = error if error is None else float(error)
    report.done("total", _table(results))
    if not (codecs or archive):
        return
    size = source.config.image_size**2 * source.config.channels
    count = min(CODEC_IMAGES, max(1, _SHEET_VALUES // size))
    images, image_classes = first_images(source, total, count)
    images = stage.to_images(stage.target(tf.constant(images))).numpy()
    if codecs:
        _measure_codecs(images, bits_per_dim, files, report)
    if archive:
        labels = image_classes if stage.num_classes > 1 else np.zeros_like(image_classes)
        _measure_archive(experiment, images, labels, report)


def _measure_codecs(
    images: np.ndarray, bits_per_dim: np.ndarray, files: bool, report: Figures
) -> None:
    """Adds the figures of codecs, for images whose bits/dim by the model begin `bits_per_dim`."""
    alone = images[: max(1, _FILE_VALUES // images[0].size)] if files else images[:0]

    def of_the_model(count: int) -> dict:
        own = float(bits_per_dim[:count].mean())
        return {"codec_images": count, "bits_per_dim_of_codec_images": own}

    report.results |= of_the_model(len(images))
    if files:
        report.results["single_files"] = of_the_model(len(alone))
    for codec in TITLES:
        with ProgressBar(f"evaluate {codec}", 1 + len(alone), "files") as bar:
            report.results |= codec_bits_per_dim(images, [codec])
            bar.advance()
            if files:
                sizes = codec_bits_per_dim(alone, [codec], tiled=False, on_file=bar.advance)
                report.results["single_files"] |= sizes
        report.done(codec, _codec_line(report.results, codec))


def _measure_archive(
    experiment: Experiment, images: np.ndarray, labels: np.ndarray, report: Figures
) -> None:
    """Adds the bits/dim of an archive of images, uint8 [N, H, W, C], of classes int32 [N]."""
    compressor = Compressor([_likelihood_stage(stage) for stage in experiment.load_stages()])
    pictures = [
        Picture(image, label=int(label)) for image, label in zip(images, labels, strict=True)
    ]
    with progress("evaluate archive", compressor.slices_to_write(pictures)) as on_slice:
        data = compressor.write(pictures, on_slice=on_slice).data
    report.results["archive"] = 8 * len(data) / images.size
    line = f"{report.results['archive']:.4f} bits/dim of {len(images):,} images"
    report.done("archive", f"archive: {line}, decoded and compared")


def first_images(source: Source, total: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` images that can be decoded, of the first `total`, and their classes.

    Returns:
        uint8 [n, H, W, C] and int32 [n].
    """
    images, classes, found = [], [], 0
    for batch in source.evaluation_examples(min(_BATCH_SIZE, total), limit=total):
        exists = batch.indices.numpy() >= 0
        images.append(batch.images.numpy()[exists])
        classes.append(batch.labels.numpy()[exists])
        found += len(images[-1])
        if found >= count:
            break
    return np.concatenate(images)[:count], np.concatenate(classes)[:count]


def in_words(results: dict) -> str:
    """The results of `evaluate` in a line; of the codecs, if any, the strongest first.

    >>> model = {"bits_per_dim": 3.5, "bits_per_dim_of_codec_images": 3.6, "standard_error": None}
    >>> in_words(model | {"images": 2, "is_exact": True, "webp": 4.0})
    '3.5000 bits/dim of 2 images (0.900 times the best codec); WebP (lossless) 4.0000'
    """
    error = results["standard_error"]
    spread = "" if error is None else f" ± {error:.4f}"
    images = "1 image" if results["images"] == 1 else f"{results['images']:,} images"
    bound = "" if results.get("is_exact", True) else "at most "  # older reports do not say it
    own = f"{bound}{results['bits_per_dim']:.4f}{spread} bits/dim of {images}"
    codecs = sorted((results[name], title) for name, title in TITLES.items() if name in results)
    if not codecs:
        return own
    ratio = results["bits_per_dim_of_codec_images"] / codecs[0][0]
    listed = ", ".join(f"{title} {bits:.4f}" for bits, title in codecs)
    return f"{own} ({ratio:.3f} times the best codec); {listed}"


def _likelihood_stage(stage: Stage) -> LikelihoodStage:
    assert isinstance(stage, LikelihoodStage)
    return stage


def _table(results: dict) -> rich.table.Table:
    title = f"{results['images']:,} images ({results['split']})"
    unit = "bits/dim" if results["is_exact"] else "bits/dim, an upper bound"
    table = rich.table.Table("", unit, title=title)
    error = results["standard_error"]
    total = f"{results['bits_per_dim']:.4f}" + ("" if error is None else f" ± {error:.4f}")
    parts = results["stages"]
    names = [f"{name}, step {results['steps'][name]:,}" for name in parts]
    if len(parts) == 1:
        table.add_row(names[0], total)
    else:
        table.add_row(
            " + ".join(parts), f"{total} ({', '.join(f'{v:.4f}' for v in parts.values())})"
        )
        for name, value in zip(names, parts.values(), strict=True):
            table.add_row(f"  {name}", f"{value:.4f}")
    if "size_stage_alone" in results:
        table.add_row("size stage alone, over all slices", f"{results['size_stage_alone']:.4f}")
    return table


def _codec_line(results: dict, codec: str) -> str:
    def compared(figures: dict, where: str) -> str:
        count, bits = figures["codec_images"], figures[codec]
        images = "" if count == results["images"] else f", first {count:,} images"
        ratio = figures["bits_per_dim_of_codec_images"] / bits
        return f"{bits:.4f} {where}{images} (model: {ratio:.3f} of it)"

    line = f"{TITLES[codec]}: {compared(results, 'bits/dim on one sheet')}"
    if "single_files" in results:
        line += f"; {compared(results['single_files'], 'in a file for each image')}"
    return line
