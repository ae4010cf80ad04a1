"""Errors of images that a chain of decoders reconstructs (Table 1)."""

from typing import Any

import numpy as np
import rich.table
import tensorflow as tf

from cascade_cli.evaluation.report import Report
from cascade_tf.data import Source
from cascade_tf.evaluation import Evaluator
from cascade_tf.examples import Examples
from cascade_tf.experiment import Experiment
from cascade_tf.progress import ProgressBar
from wavelet_tf.decoder_stage import DecoderStage
from wavelet_tf.family import PRIOR_STAGE
from wavelet_tf.reconstruction import figures


def evaluate(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    report: Report,
) -> None:
    """Evaluates the decoders, the part "decoders"; see `System.evaluate`."""
    states = {}
    for name in experiment.stage_names:
        if name != PRIOR_STAGE:
            stage = experiment.make_stage(name)
            assert isinstance(stage, DecoderStage)
            states[stage] = experiment.load_state(stage, strategy)
    stages = list(states)

    def figures_of(examples: Examples) -> dict[str, tf.Tensor]:
        return figures(stages, examples.images)

    size = experiment.inference_batch_size(*experiment.stage_names)
    with ProgressBar("evaluate", total, "images") as bar:
        by_image = Evaluator(figures_of, strategy).evaluate(source, size, total, bar.advance)
    results = report.results
    results["steps"] = {stage.name: int(state.step.numpy()) for stage, state in states.items()}
    results["images"] = len(by_image["mse"])  # bad ones may have been skipped
    results |= {name: float(x.astype(np.float64).mean()) for name, x in by_image.items()}
    report.done("decoders", _table(results, stages))


def _table(results: dict, stages: list) -> rich.table.Table:
    title = f"{results['images']:,} images ({results['split']})"
    table = rich.table.Table("", "MSE", "PSNR, dB", "SSIM", title=title)
    steps = ", ".join(f"{name} {step:,}" for name, step in results["steps"].items())

    def row(title: str, floor: str = "") -> None:
        quality = [f"{results[f'{name}{floor}']:.4g}" for name in ("psnr", "ssim")]
        table.add_row(title, f"{results[f'mse{floor}']:.6f}", *quality)

    row(f"decoded (steps: {steps})")
    for stage in stages[1:]:
        table.add_row(f"  from the real input of {stage.name}", _error(results, stage))
    for floor in ("zero bands", "bilinear", "bicubic"):
        if f"mse/{floor}" in results:
            row(f"without learning: {floor}", f"/{floor}")
    table.add_section()
    for stage in stages:
        table.add_row(
            f"{stage.name}, given the real coarse image", f"{results[f'{stage.name}/mse']:.6f}"
        )
        if stage.level > 1:
            error = results[f"{stage.name}/mse after predicted"]
            table.add_row(f"{stage.name}, given a decoded one", f"{error:.6f}")
        for band in ("TR", "BL", "BR"):
            if f"{stage.name}/{band}" in results:
                error, zero, after = [
                    f"{results[f'{stage.name}/{band}{kind}']:.6f}"
                    for kind in ("", " zero", " after predicted")
                ]
                decoded = f"given a decoded one: {after}, " if stage.level > 1 else ""
                table.add_row(f"  {band} ({decoded}of zeros: {zero})", error)
    return table


def _error(results: dict, stage: Any) -> str:
    return f"{results[f'mse/from {stage.name}']:.6f}"
