"""Bits/dim of a prior with a likelihood, and the error that quantizing its latents adds."""

import numpy as np
import rich.table
import tensorflow as tf

from cascade_cli.evaluation.report import Report
from cascade_tf.data import Source
from cascade_tf.evaluation import Evaluator
from cascade_tf.examples import Examples
from cascade_tf.experiment import Experiment
from cascade_tf.progress import ProgressBar
from wavelet_tf.endpoints import decoders
from wavelet_tf.family import PRIOR_STAGE
from wavelet_tf.reconstruction import reconstruct
from wavelet_tf.unit_images import unit_range


def evaluate(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    report: Report,
) -> None:
    """Evaluates the prior, the part "prior"; see `System.evaluate`."""
    states = experiment.load_states(strategy)
    prior, chain = states[0].stage, decoders([state.stage for state in states])

    def figures_of(examples: Examples) -> dict[str, tf.Tensor]:
        exact = reconstruct(chain, chain[0].condition(examples.images))[-1]
        quantized = reconstruct(chain, prior.target(examples.images))[-1]
        image = unit_range(examples.images)
        error = chain[-1].squared_error
        return dict(prior.evaluate_step(examples)) | {
            "mse_of_exact": error(chain[-1].gain * image, exact),
            "mse_of_quantized": error(chain[-1].gain * image, quantized),
            "mse_between": error(exact, quantized),
        }

    size = experiment.inference_batch_size(*experiment.stage_names)
    with ProgressBar(f"evaluate {PRIOR_STAGE}", total, "images") as bar:
        figures = Evaluator(figures_of, strategy).evaluate(source, size, total, bar.advance)
    means = {name: float(x.astype(np.float64).mean()) for name, x in figures.items()}
    psnr = -10 * np.log10(max(means["mse_between"], 1e-20))
    report.results["prior"] = results = {
        "step": int(states[0].step.numpy()),
        "bits_per_dim_of_latents": means["bits_per_dim"],
        "nats": means["nats"],
        "quantization_psnr": float(psnr),
        "mse_given_exact_latents": means["mse_of_exact"],
        "mse_given_quantized_latents": means["mse_of_quantized"],
    }
    table = rich.table.Table("", "")
    table.add_row(
        f"prior, step {results['step']:,}", f"{means['bits_per_dim']:.4f} bits/dim of latents"
    )
    table.add_row("MSE, decoded from exact latents", f"{means['mse_of_exact']:.6f}")
    table.add_row("MSE, decoded from quantized latents", f"{means['mse_of_quantized']:.6f}")
    table.add_row("PSNR between the two", f"{psnr:.2f} dB")
    report.done("prior", table)
