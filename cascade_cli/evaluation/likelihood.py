"""Exact bits/dim of likelihood models, beside those of image codecs."""

import numpy as np
import rich.table
import tensorflow as tf

from cascade_cli.evaluation.report import Figures
from cascade_tf.codecs import TITLES, codec_bits_per_dim
from cascade_tf.data import Source
from cascade_tf.evaluation import Evaluator
from cascade_tf.experiment import Experiment
from cascade_tf.progress import ProgressBar
from spn_tf.spn_stage import SPNStage

CODEC_IMAGES = 1000
_BATCH_SIZE = 100


def evaluate(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    codecs: bool,
    report: Figures,
) -> None:
    """Evaluates one stage after another, so that they need not fit into memory together.

    Args:
        experiment: of Subscale Pixel Networks.
        strategy: spreads batches over devices.
        source, total: the images, and the number of them.
        codecs: whether PNG and WebP are measured too.
        report: of the evaluation.
    """
    report.begin(*experiment.stage_names, "total", *(TITLES if codecs else ()))
    results = report.results
    results |= {"steps": {}, "stages": {}}
    nats = np.zeros(1)
    for name in experiment.stage_names:
        stage = _likelihood_stage(experiment, name)
        state = experiment.load_state(stage, strategy)
        size = experiment.inference_batch_size(name)
        with ProgressBar(f"evaluate {name}", total, "images") as bar:
            evaluator = Evaluator(stage.evaluate_step, strategy)
            figures = evaluator.evaluate(source, size, total, bar.advance)
        part = figures["nats"].astype(np.float64)
        nats = nats + part
        results["steps"][name] = int(state.step.numpy())
        results["stages"][name] = float(stage.bits_per_dim(part.mean()))
        if stage.first_slice_given:
            results["size_stage_alone"] = float(figures["bits_per_dim"].mean())
        report.done(name, f"{name}: {results['stages'][name]:.4f} bits/dim")
    bits_per_dim = stage.bits_per_dim(nats)
    results["images"] = len(nats)  # bad ones may have been skipped
    results["nats"] = float(nats.mean())
    results["bits_per_dim"] = float(stage.bits_per_dim(nats.mean()))
    # Standard error of the mean: its spread over other sets of held-out images.
    error = bits_per_dim.std(ddof=1) / np.sqrt(len(nats)) if len(nats) > 1 else None
    results["standard_error"] = error if error is None else float(error)
    report.done("total", _table(results))
    if codecs:
        # At most a thousand of the same images: WebP's best compression takes minutes for those.
        images = first_images(source, total, CODEC_IMAGES)
        images = stage.to_images(stage.target(tf.constant(images))).numpy()
        results["codec_images"] = len(images)
        results["bits_per_dim_of_codec_images"] = float(bits_per_dim[: len(images)].mean())
        for codec in TITLES:
            results |= codec_bits_per_dim(images, [codec])
            report.done(codec, _codec_line(results, codec))


def first_images(source: Source, total: int, count: int) -> np.ndarray:
    """The first `count` images that can be decoded, of the first `total`; uint8 [n, H, W, C]."""
    parts, found = [], 0
    for batch in source.evaluation_examples(min(_BATCH_SIZE, total), limit=total):
        parts.append(batch.images.numpy()[batch.indices.numpy() >= 0])
        found += len(parts[-1])
        if found >= count:
            break
    return np.concatenate(parts)[:count]


def in_words(results: dict) -> str:
    """The results of `evaluate` in a line.

    >>> in_words({"bits_per_dim": 3.5, "standard_error": None, "images": 2, "webp": 3})
    '3.5000 bits/dim of 2 images; WebP (lossless) 3.0000'
    """
    error = results["standard_error"]
    spread = "" if error is None else f" ± {error:.4f}"
    codecs = [f"{title} {results[name]:.4f}" for name, title in TITLES.items() if name in results]
    own = f"{results['bits_per_dim']:.4f}{spread} bits/dim of {results['images']:,} images"
    return f"{own}; {', '.join(codecs)}"


def _likelihood_stage(experiment: Experiment, name: str) -> SPNStage:
    stage = experiment.make_stage(name)
    assert isinstance(stage, SPNStage)
    return stage


def _table(results: dict) -> rich.table.Table:
    title = f"{results['images']:,} images ({results['split']})"
    table = rich.table.Table("", "bits/dim", title=title)
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
    few, bits = results["codec_images"], results[codec]
    images = "" if few == results["images"] else f", first {few:,} images"
    ratio = results["bits_per_dim_of_codec_images"] / bits
    return f"{TITLES[codec]}{images}: {bits:.4f} bits/dim (the model takes {ratio:.3f} of it)"
