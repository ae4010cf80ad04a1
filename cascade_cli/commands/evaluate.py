"""Prints metrics on held-out images: tables, then one line of JSON on stdout."""

import json
import sys

from rich.console import Console

from cascade_cli.options import EvaluateOptions
from cascade_cli.systems import open_system
from cascade_tf.data import open_source
from cascade_tf.data.fingerprint import caution, fingerprint
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
    warning = caution(source)
    if warning:
        print(f"evaluate: {warning}", file=sys.stderr)
    results, tables = system.evaluate(strategy, source, total, options)
    title = f"{total:,} images ({options.split})"
    tables[0].title = f"{title}: {tables[0].title}" if tables[0].title else title
    for table in tables:
        Console().print(table)
    images = fingerprint(source, total)  # after the tables, which a failure here must not lose
    print(f"images: {images.preprocessing}; sha256 {images.sha256}")
    about = {"split": options.split, "fingerprint": images._asdict()}
    print(json.dumps(about | ({"caution": warning} if warning else {}) | results))
