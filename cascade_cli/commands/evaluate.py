"""Prints metrics on held-out images: tables, then one line of JSON on stdout."""

from cascade_cli.evaluation.report import FINGERPRINT, Report
from cascade_cli.options import EvaluateOptions
from cascade_cli.systems import open_system
from cascade_tf.data import open_source
from cascade_tf.data.fingerprint import caution, fingerprint
from cascade_tf.data.split_overlap import overlap_warnings
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.strategies import make_strategy


def main(experiment: Experiment, options: EvaluateOptions) -> None:
    """Evaluates a trained experiment."""
    system = open_system(experiment, options)
    for name in options.COMPARISONS:
        if options.is_given(name) and not system.compares_samples:
            raise UsageError(f"`{name}` needs a GAN or a prior, and this experiment has none")
    strategy = make_strategy(options.strategy)
    for name in experiment.stage_names:
        if options.split == "test":
            experiment.require_held_out(name)
    source = open_source(experiment.data_of_all_stages(), options.split)
    total = min(source.num_examples, options.num_images or source.num_examples)
    with Report(options) as report:
        warning = caution(source)
        if warning:
            report.warn(warning)
            report.results["caution"] = warning
        for line in source.notes:
            report.warn(line)
        if source.name == "folder" and options.split == "test":
            for line in overlap_warnings(open_source(source.config, "train"), source):
                report.warn(line)
        system.evaluate(strategy, source, total, options, report)
        images = fingerprint(source, total)
        report.results[FINGERPRINT] = images._asdict()
        report.done(FINGERPRINT, f"images: {images.preprocessing}; sha256 {images.sha256}")
