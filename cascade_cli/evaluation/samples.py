"""Distances between samples and real images (section 5 of the not-so-BigGAN paper).

Samples are compared at several truncations (Figure 3b) and over training time (Figure 3a). They are
compared with real images, and with the decoders' reconstructions of these (the paper's FID*). A
folder of images can be compared in place of samples.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import rich.table
import tensorflow as tf
from etils import epath

from cascade_cli.evaluation import curves
from cascade_cli.options import EvaluateOptions
from cascade_tf.cascade import sample_cascade
from cascade_tf.data import Source, open_source
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite, write_atomically
from cascade_tf.metrics import (
    FeatureExtractor,
    GaussianStatistics,
    ImageOrigin,
    PixelFeatures,
    compare,
    extract_features,
    gaussian_statistics,
    load_inception,
    load_statistics,
    save_statistics,
)
from cascade_tf.progress import ProgressBar
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.endpoints import decoders
from wavelet_tf.reconstruction import reconstruct

PLOTS = ("truncations.png", "training.png")
References = dict[str, np.ndarray | GaussianStatistics]  # features, or their statistics, by name

# Computes batch statistics for a truncation, in the stages that are GANs.
Settle = Callable[[Sequence[Stage], EvaluateOptions, float], None]


class SampleEvaluation:
    """The comparisons of samples with images that the options ask for.

    Constructing it checks the options and reads their files, but computes nothing.

    Args:
        experiment: its first stage samples unconditionally, or by class.
        strategy: spreads batches over devices.
        source, total: real images, and the number of them.
        options: of the command; they choose the comparisons.
        truncates: whether samples have a truncation.
        settle: called before samples of a truncation are drawn.

    Raises:
        SettingError: options that do not go together.
        UserError: files that cannot be read, or would be overwritten.
    """

    def __init__(
        self,
        experiment: Experiment,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        truncates: bool,
        settle: Settle,
    ) -> None:
        self._experiment, self._strategy = experiment, strategy
        self._source, self._total = source, total
        self._options, self._truncates, self._settle = options, truncates, settle
        self._count = options.num_samples or total
        self._truncations = (1.0,) if options.truncations is None else options.truncations
        if not truncates and options.truncations is not None:
            options.refuse("it needs a GAN, and this experiment has none", "truncations")
        if not self._truncations:
            options.refuse("give numbers from 0 up", "truncations")
        self._output = epath.Path(options.output_dir).expanduser() if options.output_dir else None
        if self._output:
            make_directory(self._output)
        if self._output and not options.overwrite:
            names = ("evaluation.json", *PLOTS)
            refuse_to_overwrite(self._output / name for name in names)
        data = experiment.data_of_all_stages()
        shape = (data.image_size, data.image_size, data.channels)
        self._extractor: FeatureExtractor = PixelFeatures(shape)
        if options.inception:
            self._extractor = load_inception(epath.Path(options.inception).expanduser())
        self._statistics = None
        if options.reference:
            if options.save_reference:
                options.refuse("it cannot be combined with `reference`", "save_reference")
            path = epath.Path(options.reference).expanduser()
            self._statistics = load_statistics(path, self._extractor, _origin(source))
        if options.save_reference:
            path = epath.Path(options.save_reference).expanduser()
            make_directory(path.parent)
            if not options.overwrite:
                refuse_to_overwrite([path])
        self._folder = None
        if options.compare_images:
            self._folder = open_source(
                dataclasses.replace(data, dataset="folder", data_dir=options.compare_images), "all"
            )

    def evaluate(self) -> tuple[dict, list[rich.table.Table]]:
        """Runs the comparisons and writes their files; returns results as `System.evaluate`."""
        results = self._figures()
        if self._output:
            self._write(results, self._output)
        return results, _tables(results)

    def _figures(self) -> dict:
        extractor, experiment = self._extractor, self._experiment
        states = [
            experiment.load_state(experiment.make_stage(name), self._strategy)
            for name in experiment.stage_names
        ]
        stages = [state.stage for state in states]
        self._chain = decoders(stages)
        results: dict = {
            "feature_space": {
                "name": extractor.name,
                "sha256": extractor.checksum,
                "resizer": extractor.resizer,
            },
            "steps": {state.stage.name: int(state.step.numpy()) for state in states},
            "samples": self._count,
            "reference": self._options.reference,
            "reference_images": None if self._options.reference else self._total,
            "cautions": [],
        }
        self._results = results
        self._references = self._reference_features()

        results["truncation_kind"] = self._options.truncation_kind if self._truncates else None
        results["by_truncation"] = {}
        for truncation in self._truncations:
            self._settle(stages, self._options, truncation)
            features = self._features(self._samples(stages, truncation), self._count, "samples")
            results["by_truncation"][f"{truncation:g}"] = self._compare(features)
        if self._folder is not None:
            results["folder"] = self._compare_folder(self._folder)
        if self._options.all_checkpoints:
            results["by_checkpoint"] = self._compare_checkpoints(states)
        return results

    def _reference_features(self) -> References:
        """Features of the images and, with decoders, of their reconstructions, by name."""
        references: References = {}
        if self._statistics is not None:
            references["images"] = self._statistics
        else:
            features = self._features(self._images(), self._total, "images")
            references["images"] = features
            if self._options.save_reference:
                path = epath.Path(self._options.save_reference).expanduser()
                origin = _origin(self._source)
                save_statistics(path, gaussian_statistics(features), self._extractor, origin)
        if self._chain:
            reconstructions = map(self._reconstructed, self._images())
            features = self._features(reconstructions, self._total, "reconstructions")
            self._results["reconstructions"] = self._compare(features, references)
            references["reconstructions"] = features
        return references

    def _compare(
        self, features: np.ndarray, references: References | None = None
    ) -> dict[str, float]:
        """Figures against the images and, with a star in their names, the reconstructions."""
        figures: dict[str, float] = {}
        for name, reference in (references or self._references).items():
            comparison = compare(self._extractor, features, reference)
            star = "" if name == "images" else "*"
            for key, value in comparison.figures.items():
                if not (star and key.startswith("inception_score")):  # it needs no reference
                    figures[f"{key}{star}"] = value
            for caution in comparison.cautions:
                if caution not in self._results["cautions"]:
                    self._results["cautions"].append(caution)
        return figures

    def _compare_folder(self, folder: Source) -> dict[str, dict[str, float]]:
        """Figures of a folder's images and, with decoders, of their reconstructions."""
        count = folder.num_examples
        raw = self._features(self._images(folder, count), count, "folder")
        figures = {"as they are": self._compare(raw)}
        if self._chain:
            decoded = map(self._reconstructed, self._images(folder, count))
            figures["decoded"] = self._compare(self._features(decoded, count, "folder, decoded"))
        return figures

    def _compare_checkpoints(self, states: Sequence[Any]) -> list[dict]:
        """Figures at every checkpoint of the first stage, oldest first."""
        first, stages = states[0], [state.stage for state in states]
        by_checkpoint = []
        for path in first.checkpoints.paths:
            first.restore_averages(path)
            self._settle(stages, self._options, 1.0)
            features = self._features(self._samples(stages, 1.0), self._count, "samples")
            figures = self._compare(features)
            minutes = float(first.seconds.numpy()) / 60
            about = {"step": int(first.step.numpy()), "minutes": minutes, "truncation": 1.0}
            by_checkpoint.append(about | figures)
        return by_checkpoint

    def _features(self, batches: Iterator[np.ndarray], total: int, title: str) -> np.ndarray:
        with ProgressBar(f"evaluate {title}", total, "images") as bar:
            return extract_features(self._extractor, batches, bar.advance)

    def _images(self, source: Source | None = None, count: int = 0) -> Iterator[np.ndarray]:
        """Real images, uint8 [b, H, W, C]."""
        source, count = source or self._source, count or self._total
        for batch in source.evaluation_examples(self._batch_size(), limit=count):
            yield batch.images.numpy()[batch.indices.numpy() >= 0]

    def _samples(self, stages: Sequence[Stage], truncation: float) -> Iterator[np.ndarray]:
        """Samples, uint8 [b, H, W, C]."""
        size = min(self._batch_size(), self._count)
        spread: dict[str, Any] = {}
        if self._truncates:
            kind = self._options.truncation_kind
            spread = {"truncation": truncation, "truncation_kind": kind}
        for start in range(0, self._count, size):
            request = SampleRequest(
                range(start, start + size), self._experiment.sampling_seed(), **spread
            )
            samples = sample_cascade(stages, request)[-1]
            yield stages[-1].to_images(samples).numpy()[: self._count - start]

    def _reconstructed(self, images: np.ndarray) -> np.ndarray:
        """Images encoded and decoded again, uint8 [b, H, W, C]."""
        targets = reconstruct(self._chain, self._chain[0].condition(tf.constant(images)))
        return self._chain[-1].to_images(targets[-1]).numpy()

    def _batch_size(self) -> int:
        return self._experiment.inference_batch_size(*self._experiment.stage_names)

    def _write(self, results: dict, output: epath.Path) -> None:
        make_directory(output)
        write_atomically(output / "evaluation.json", json.dumps(results, indent=1).encode())
        name = self._extractor.distance_name
        by_truncation = {float(t): f[name] for t, f in results["by_truncation"].items()}
        if len(by_truncation) > 1:
            page = curves.plot(by_truncation, f"truncation ({results['truncation_kind']})", name)
            write_atomically(output / PLOTS[0], page)
        by_time = {f["minutes"]: f[name] for f in results.get("by_checkpoint", [])}
        if len(by_time) > 1:
            page = curves.plot(by_time, "minutes of training, samples at truncation 1", name)
            write_atomically(output / PLOTS[1], page)


def _origin(source: Source) -> ImageOrigin:
    """Description of a source's images for files of statistics."""
    config = source.config
    size, dataset = config.image_size, config.dataset
    if dataset == "folder":  # only the last part of its path, which is not private to a machine
        dataset = f"folder {epath.Path(config.data_dir).name}"
    return ImageOrigin(f"{size}x{size}", config.channels, dataset, source.split)


def _tables(results: dict) -> list[rich.table.Table]:
    """One table against the images, one against their reconstructions."""
    rows: list[tuple[str, dict]] = []
    for truncation, figures in results["by_truncation"].items():
        rows.append((f"truncation {truncation}", figures))
    for figures in results.get("by_checkpoint", []):
        when = f"step {figures['step']:,}, {figures['minutes']:.1f} min"
        rows.append((f"{when}, truncation {figures['truncation']:g}", figures))
    if "reconstructions" in results:
        rows.append(("reconstructions", results["reconstructions"]))
    rows += [(f"folder, {kind}", f) for kind, f in results.get("folder", {}).items()]
    space, images = results["feature_space"], results["reference_images"]
    against = results["reference"] if images is None else f"{images:,} images"
    caption = [
        f"{results['samples']:,} samples, {against}; features: {space['name']}, "
        f"{space['resizer']}" + (f", sha256 {space['sha256']}" if space["sha256"] else "")
    ]
    if results["truncation_kind"]:
        caption.append(f"truncation_kind: {results['truncation_kind']}")
    tables = []
    for star, title in (("", "samples against images"), ("*", "against reconstructions")):
        names = [name for name in rows[0][1] if name.endswith("*") == bool(star)]
        names = [name for name in names if "_deviation" not in name]
        if names:
            shown = [name.replace("_", " ") for name in names]
            tables.append(rich.table.Table("", *shown, title=title))
        for row, figures in rows if names else []:
            cells = [_cell(figures, name, star) for name in names]
            if any(cells):
                tables[-1].add_row(row, *cells)
    tables[-1].caption = "\n".join(caption + results["cautions"])
    return tables


def _cell(figures: dict, name: str, star: str) -> str:
    if name not in figures:
        return ""
    deviation = figures.get(f"{name.removesuffix('*')}_deviation{star}")
    return f"{figures[name]:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
