"""Errors of an autoencoder's reconstructions, and bits of the codes by their models."""

import math

import numpy as np
import rich.table
import tensorflow as tf

from cascade_cli.evaluation.report import Report
from cascade_tf.data import Source
from cascade_tf.evaluation import Evaluator
from cascade_tf.examples import Examples
from cascade_tf.experiment import Experiment
from cascade_tf.progress import ProgressBar
from wavelet_tf.reconstruction import image_errors
from wavelet_tf.unit_images import unit_range
from wavelet_tf.vqvae2.autoencoder_stage import AutoencoderStage
from wavelet_tf.vqvae2.code_maps import parted
from wavelet_tf.vqvae2.priors import CodePrior, require_codes_of_the_autoencoder


def evaluate(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    report: Report,
) -> None:
    """Evaluates all stages, the part "codes"; see `System.evaluate`."""
    states = experiment.load_states(strategy)
    stages = [state.stage for state in states]
    require_codes_of_the_autoencoder(stages)
    *priors, autoencoder = stages
    assert isinstance(autoencoder, AutoencoderStage)

    def figures_of(examples: Examples) -> dict[str, tf.Tensor]:
        reconstructed = autoencoder.decode(autoencoder.encode(examples.images))
        figures = image_errors(unit_range(examples.images), reconstructed)
        for prior in priors:
            for name, values in prior.evaluate_step(examples).items():
                figures[f"{prior.name}/{name}"] = values
        return figures

    size = experiment.inference_batch_size(*experiment.stage_names)
    with ProgressBar("evaluate", total, "images") as bar:
        by_image = Evaluator(figures_of, strategy).evaluate(source, size, total, bar.advance)
    means = {name: float(x.astype(np.float64).mean()) for name, x in by_image.items()}
    results = report.results
    results["steps"] = {state.stage.name: int(state.step.numpy()) for state in states}
    results["images"] = len(by_image["mse"])  # bad ones may have been skipped
    results |= {name: means[name] for name in ("mse", "psnr", "ssim")}
    results["codes_used"] = _codes_used(autoencoder, source, size, total)
    nats = 0.0
    for prior in priors:
        assert isinstance(prior, CodePrior)
        nats += means[f"{prior.name}/nats"]
        results[f"{prior.name}/bits_per_code"] = means[f"{prior.name}/bits_per_dim"]
    c = autoencoder.config
    results["nats_of_codes"] = nats
    results["bits_per_dim_of_codes"] = nats / (c.image_size**2 * c.channels * math.log(2))
    report.done("codes", _table(results))


def _codes_used(
    autoencoder: AutoencoderStage, source: Source, size: int, total: int
) -> dict[str, int]:
    """Different codes among those of the images, by the name of their codebook."""
    used: dict[str, set[int]] = {codebook.name: set() for codebook in autoencoder.codebooks}
    for batch in source.evaluation_examples(size, limit=total):
        maps = parted(autoencoder.encode(batch.images[batch.indices >= 0]))
        for codes, own in zip(used.values(), maps, strict=True):
            codes |= set(np.unique(own.numpy()).tolist())
    return {name: len(codes) for name, codes in used.items()}


def _table(results: dict) -> rich.table.Table:
    title = f"{results['images']:,} images ({results['split']})"
    steps = results["steps"]
    table = rich.table.Table("", "", title=title)
    table.add_row(f"MSE, autoencoder at step {steps['autoencoder']:,}", f"{results['mse']:.6f}")
    table.add_row("PSNR", f"{results['psnr']:.4g} dB")
    table.add_row("SSIM", f"{results['ssim']:.4g}")
    for name, used in results["codes_used"].items():
        bits = f"{results[f'{name}/bits_per_code']:.4f} bits/code"
        table.add_row(f"{name}, step {steps[name]:,}; {used} codes occur", bits)
    table.add_row("both maps of codes", f"{results['nats_of_codes']:.1f} nats/image")
    table.add_row("", f"{results['bits_per_dim_of_codes']:.4f} bits/dim of the image")
    return table
