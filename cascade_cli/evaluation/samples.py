"""Distances between samples and real images (section 5 of the not-so-BigGAN paper).

Samples are compared at several truncations (Figure 3b) and over training time (Figure 3a). They are
compared with real images, and with the decoders' reconstructions of these (the paper's FID*). A
folder of images can be compared in place of samples.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import rich.box
import rich.table
import tensorflow as tf
from etils import epath

from cascade_cli.evaluation import curves
from cascade_cli.evaluation.class_shares import classes_to_sample
from cascade_cli.evaluation.nearest_images import (
    BESIDE,
    TRAINING_IMAGES,
    nearest_in_words,
    nearest_page,
)
from cascade_cli.evaluation.report import PLOTS, Report
from cascade_cli.options import EvaluateOptions
from cascade_tf.cascade import sample_cascade
from cascade_tf.class_record import require_same_classes
from cascade_tf.data import Source, open_source
from cascade_tf.errors import UserError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite
from cascade_tf.metrics import (
    FeatureExtractor,
    GaussianStatistics,
    ImageOrigin,
    PixelFeatures,
    compare,
    extract_features,
    gaussian_statistics,
    load_extractor,
    load_inception,
    load_statistics,
    nearest,
    save_statistics,
    share_nearer,
)
from cascade_tf.progress import ProgressBar
from cascade_tf.sample_request import SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.reconstruction import decoding_stages, reconstruct

_FEWEST = 4  # images of a set: precision and recall need more than 3 neighbours
_FEWEST_FOR_A_CLASSIFIER = 10  # the Inception Score has 10 splits
References = dict[str, np.ndarray | GaussianStatistics]  # features, or their statistics, by name

# Computes batch statistics for a truncation, in the stages that are GANs.
Settle = Callable[[Sequence[Stage], EvaluateOptions, float], None]


class TooFewImages(UserError):
    """There are fewer images than a comparison needs."""


def sample_evaluation(
    experiment: Experiment,
    strategy: tf.distribute.Strategy,
    source: Source,
    total: int,
    options: EvaluateOptions,
    report: Report,
    truncates: bool,
    settle: Settle = lambda stages, options, truncation: None,
) -> "SampleEvaluation | None":
    """A `SampleEvaluation`; None, with a warning, if there are too few images.

    Raises:
        UserError: see `SampleEvaluation`; also for too few images, if the options ask for a
            comparison.
    """
    try:
        return SampleEvaluation(
            experiment, strategy, source, total, options, report, truncates, settle
        )
    except TooFewImages as error:
        if any(options.is_given(name) for name in options.COMPARISONS):
            raise
        report.warn(f"{error}; samples are left out")
        return None


class SampleEvaluation:
    """The comparisons of samples with images that the options ask for.

    Constructing it checks the options and reads their files, but computes nothing.

    Args:
        experiment: its first stage samples unconditionally, or by class.
        strategy: spreads batches over devices.
        source, total: real images, and the number of them.
        options: of the command; they choose the comparisons.
        report: gets warnings at once, and each part when it is computed.
        truncates: whether samples have a truncation.
        settle: called before samples of a truncation are drawn.

    Attributes:
        parts: names of the parts, in order.

    Raises:
        SettingError: options that do not go together.
        UserError: files that cannot be read, or would be overwritten; other classes than the
            model was trained on.
        TooFewImages: fewer images than a comparison needs.
    """

    def __init__(
        self,
        experiment: Experiment,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
        truncates: bool,
        settle: Settle,
    ) -> None:
        self._experiment, self._strategy = experiment, strategy
        self._source, self._total = source, total
        self._options, self._report = options, report
        self._truncates, self._settle = truncates, settle
        self._truncations = (1.0,) if options.truncations is None else options.truncations
        if not truncates and options.truncations is not None:
            options.refuse("it needs a GAN, and this experiment has none", "truncations")
        if not self._truncations:
            options.refuse("give numbers from 0 up", "truncations")
        first = experiment.make_stage(experiment.stage_names[0])
        if options.is_given("class_shares") and first.num_classes < 2:
            options.refuse("the model has no classes", "class_shares")
        if options.class_shares == "images":
            directory = experiment.directory(first.name)
            otherwise = "draw classes evenly with `class_shares`=even"
            require_same_classes(directory, first.num_classes, source, otherwise)
        data = experiment.data_of_all_stages()
        shape = (data.image_size, data.image_size, data.channels)
        self._extractor = _extractor(options, shape)
        self._statistics = None
        if options.reference:
            if options.save_reference:
                options.refuse("it cannot be combined with `reference`", "save_reference")
            path = epath.Path(options.reference).expanduser()
            self._statistics = load_statistics(path, self._extractor, _origin(source))
        if options.save_reference:
            path = epath.Path(options.save_reference).expanduser()
            make_directory(path.parent)
            if path.is_dir():
                options.refuse("it is a directory: name a file", "save_reference")
            if not options.overwrite:
                refuse_to_overwrite([path])
        self._folder = None
        if options.compare_images:
            self._folder = open_source(
                dataclasses.replace(
                    data, dataset="folder", data_dir=options.compare_images, test_dir=None
                ),
                "all",
            )
        self._training = open_source(data, "train") if options.nearest else None
        self._fewest = _FEWEST
        if self._extractor.probabilities(np.zeros([1, self._extractor.size])) is not None:
            self._fewest = _FEWEST_FOR_A_CLASSIFIER
        self._require_enough_images()
        self._warn_of_bias()
        self.parts = ["images", *map(_part, self._truncations)]
        self.parts += ["nearest"] if self._training is not None else []
        self.parts += ["folder"] if self._folder is not None else []
        self.parts += ["checkpoints"] if options.all_checkpoints else []

    def _require_enough_images(self) -> None:
        samples, fewest = self._options.num_samples, self._fewest
        if samples is not None and samples < fewest:
            self._options.refuse(f"use {fewest} or more", "num_samples")
        if self._folder is not None:
            self._require_enough(self._folder.num_examples, "`compare_images`")
        has_decoders = len(self._experiment.stage_names) > 1
        needs_images = has_decoders or self._statistics is None or samples is None
        if needs_images and self._total < fewest:
            raise TooFewImages(
                f"{self._total} images are too few to compare samples with, {fewest} are needed: "
                "another --split or a larger --num_images may have more"
            )

    def _require_enough(self, count: int, title: str) -> None:
        """Raises UserError if a set is too small: before any sample is drawn."""
        if count < self._fewest:
            raise UserError(
                f"{title}: {count} images to compare, at least {self._fewest} are needed"
            )

    def _warn_of_bias(self) -> None:
        """Warns of sets that are too small for an unbiased distance, as far as they are known."""
        for name, statistics in (
            ("samples", self._statistics_of(self._options.num_samples or self._total)),
            ("reference", self._statistics or self._statistics_of(self._total)),
        ):
            if statistics.caution:
                self._report.warn(f"{name}: {statistics.caution}")

    def _statistics_of(self, count: int) -> GaussianStatistics:
        size = self._extractor.size
        return GaussianStatistics(np.zeros(size), np.zeros([size, size]), count)

    def evaluate(self, results: dict[str, Any]) -> None:
        """Runs the comparisons.

        Args:
            results: those of the report, or a dictionary in them; gets the figures.
        """
        extractor, experiment, report = self._extractor, self._experiment, self._report
        states = experiment.load_states(self._strategy)
        stages = [state.stage for state in states]
        self._chain = decoding_stages(stages)
        self._results = results
        results["feature_space"] = {
            "name": extractor.name,
            "prefix": extractor.prefix,
            "sha256": extractor.checksum,
            "resizer": extractor.resizer,
        }
        results["steps"] = {state.stage.name: int(state.step.numpy()) for state in states}
        results["reference"] = self._options.reference
        results["reference_images"] = None
        results["cautions"] = []
        self._count = self._options.num_samples or self._total
        self._references = self._reference_features()
        results["samples"] = self._count
        self._labels = self._classes(stages[0])
        report.done("images")

        kind = self._options.truncation_kind if self._truncates else None
        results["truncation_kind"], results["by_truncation"] = kind, {}
        of_first = None
        for truncation in self._truncations:
            features = self._sample_features(stages, truncation)
            of_first = features if of_first is None else of_first
            figures = self._compare(features)
            results["by_truncation"][f"{truncation:g}"] = figures
            report.done(_part(truncation), self._line(_part(truncation), figures))
        self._plot(PLOTS[0], f"truncation ({kind})", results["by_truncation"].items())
        if self._training is not None and of_first is not None:
            results["nearest"] = self._show_nearest(stages, self._training, of_first)
            report.done("nearest", nearest_in_words(results["nearest"]))
        if self._folder is not None:
            results["folder"] = self._compare_folder(self._folder)
            report.done("folder")
        if self._options.all_checkpoints:
            self._compare_checkpoints(states)
            by_minutes = [(figures["minutes"], figures) for figures in results["by_checkpoint"]]
            self._plot(PLOTS[1], "minutes of training, samples at truncation 1", by_minutes)
            report.done("checkpoints")
        report.show(*_tables(results, self._source.split))

    def _classes(self, first: Stage) -> np.ndarray | None:
        """Classes of the samples, int32 [N]; None: drawn evenly, or the model has none."""
        if first.num_classes < 2:
            return None
        labels = None
        if self._options.class_shares == "images":
            labels = classes_to_sample(first, self._source, self._total, self._count)
        shares = "drawn evenly" if labels is None else "in the proportion of the images"
        self._results["classes"] = shares
        return labels

    def _reference_features(self) -> References:
        """Features of the images and, with decoders, of their reconstructions, by name."""
        references: References = {}
        if self._statistics is not None:
            references["images"] = self._statistics
        else:
            features = self._features(self._images(), self._total, "images")
            references["images"] = features
            self._results["reference_images"] = len(features)  # bad ones may have been skipped
            self._count = self._options.num_samples or len(features)
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
    ) -> dict[str, Any]:
        """Figures against the images and, with a star in their names, the reconstructions."""
        figures: dict[str, Any] = {}
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

    def _sample_features(self, stages: Sequence[Stage], truncation: float) -> np.ndarray:
        self._settle(stages, self._options, truncation)
        samples = self._samples(stages, truncation, np.arange(self._count))
        return self._features(samples, self._count, "samples")

    def _show_nearest(
        self, stages: Sequence[Stage], training: Source, sampled: np.ndarray
    ) -> dict[str, Any]:
        """Writes a picture of samples of the first truncation, by their features; its figures."""
        count = min(training.num_examples, TRAINING_IMAGES)
        features = self._features(self._images(training, count), count, "training images")
        neighbours = nearest(sampled, features, BESIDE)
        order = np.argsort(neighbours.distances[:, 0])[: self._options.nearest]
        self._settle(stages, self._options, self._truncations[0])
        samples = np.concatenate([*self._samples(stages, self._truncations[0], order)])
        page = nearest_page(samples, self._images(training, count), neighbours.numbers[order])
        self._report.write(PLOTS[2], page)
        figures: dict[str, Any] = {
            "training_images": len(features),
            "samples": order.tolist(),
            "distances": neighbours.distances[order, 0].tolist(),
        }
        held_out = self._references["images"]
        # The first images of a set may be of one class, or of one photograph.
        whole = (count, self._total) == (training.num_examples, self._source.num_examples)
        if whole and self._source.split == "test" and isinstance(held_out, np.ndarray):
            share, expected = share_nearer(sampled, features, held_out)
            figures |= {"share_nearer": share, "share_nearer_expected": expected}
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

    def _compare_checkpoints(self, states: Sequence[Any]) -> None:
        """Adds figures at every checkpoint of the first stage, oldest first."""
        first, stages = states[0], [state.stage for state in states]
        by_checkpoint = self._results["by_checkpoint"] = []
        for path in first.checkpoints.paths:
            first.restore_averages(path)
            figures = self._compare(self._sample_features(stages, 1.0))
            minutes, step = float(first.seconds.numpy()) / 60, int(first.step.numpy())
            by_checkpoint.append({"step": step, "minutes": minutes, "truncation": 1.0} | figures)
            self._report.show(self._line(f"step {step:,}", figures))
            self._report.save()

    def _line(self, title: str, figures: dict[str, float]) -> str:
        name = self._extractor.distance_name
        return f"{title}: {name.replace('_', ' ')} {figures[name]:.4g}"

    def _features(self, batches: Iterator[np.ndarray], total: int, title: str) -> np.ndarray:
        with ProgressBar(f"evaluate {title}", total, "images") as bar:
            features = extract_features(self._extractor, batches, bar.advance)
        self._require_enough(len(features), title)  # bad images may have been skipped
        return features

    def _images(self, source: Source | None = None, count: int = 0) -> Iterator[np.ndarray]:
        """Real images, uint8 [b, H, W, C]."""
        source, count = source or self._source, count or self._total
        for batch in source.evaluation_examples(self._batch_size(), limit=count):
            yield batch.images.numpy()[batch.indices.numpy() >= 0]

    def _samples(
        self, stages: Sequence[Stage], truncation: float, indices: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Samples of the indices, uint8 [b, H, W, C]."""
        size = min(self._batch_size(), len(indices))
        spread: dict[str, Any] = {}
        if self._truncates:
            kind = self._options.truncation_kind
            spread = {"truncation": truncation, "truncation_kind": kind}
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            filled = np.resize(part, size)  # another size would be traced again
            if self._labels is not None:
                spread["labels"] = self._labels[filled]
            request = SampleRequest(filled, self._experiment.sampling_seed(), **spread)
            samples = sample_cascade(stages, request)[-1]
            yield stages[-1].to_images(samples).numpy()[: len(part)]

    def _reconstructed(self, images: np.ndarray) -> np.ndarray:
        """Images encoded and decoded again, uint8 [b, H, W, C]."""
        targets = reconstruct(self._chain, self._chain[0].condition(tf.constant(images)))
        return self._chain[-1].to_images(targets[-1]).numpy()

    def _batch_size(self) -> int:
        return self._experiment.inference_batch_size(*self._experiment.stage_names)

    def _plot(
        self, file: str, x_label: str, figures: Iterable[tuple[str | float, dict[str, float]]]
    ) -> None:
        """Writes a plot of the distance over truncation or time, if there are several points."""
        name = self._extractor.distance_name
        points = {float(x): by_name[name] for x, by_name in figures}
        if len(points) > 1:
            self._report.write(file, curves.plot(points, x_label, name))


def _extractor(options: EvaluateOptions, shape: tuple[int, int, int]) -> FeatureExtractor:
    """The feature space that the options choose, for images of a shape."""
    if options.is_given("inception_features") and not options.inception:
        options.refuse("it needs the weights, `inception`", "inception_features")
    if options.inception and options.extractor:
        options.refuse("use one of the two", "inception", "extractor")
    if options.inception:
        return load_inception(options.inception, options.inception_features)
    return load_extractor(options.extractor) if options.extractor else PixelFeatures(shape)


def _part(truncation: float) -> str:
    return f"truncation {truncation:g}"


def _origin(source: Source) -> ImageOrigin:
    """Description of a source's images for files of statistics."""
    config = source.config
    size, dataset = config.image_size, config.dataset
    if dataset == "folder":  # only the last part of its path, which is not private to a machine
        dataset = f"folder {epath.Path(config.data_dir).name}"
    return ImageOrigin(f"{size}x{size}", config.channels, dataset, source.split)


def _tables(results: dict, split: str) -> list[rich.table.Table]:
    """One table against the images, one against their reconstructions."""
    rows: list[tuple[str, dict]] = []
    for truncation, figures in results["by_truncation"].items():
        rows.append((_part(float(truncation)), figures))
    for figures in results.get("by_checkpoint", []):
        when = f"step {figures['step']:,}, {figures['minutes']:.1f} min"
        rows.append((f"{when}, truncation {figures['truncation']:g}", figures))
    if "reconstructions" in results:
        rows.append(("reconstructions", results["reconstructions"]))
    rows += [(f"folder, {kind}", f) for kind, f in results.get("folder", {}).items()]
    space, images = results["feature_space"], results["reference_images"]
    against = results["reference"] if images is None else f"{images:,} images ({split})"
    samples = f"{results['samples']:,} samples"
    if "classes" in results:
        samples += f", classes {results['classes']}"
    caption = [
        f"{samples}; {against}; features: {space['name']}, "
        f"{space['resizer']}" + (f", sha256 {space['sha256']}" if space["sha256"] else "")
    ]
    if results["truncation_kind"]:
        caption.append(f"truncation_kind: {results['truncation_kind']}")
    tables = []
    for star, title in (("", "samples against images"), ("*", "against reconstructions")):
        names = [name for name in rows[0][1] if name.endswith("*") == bool(star)]
        names = [name for name in names if "_deviation" not in name]
        if names:
            shown = [_heading(name, space["prefix"]) for name in names]
            # Without lines between columns, so that words fit into 80 characters.
            table = rich.table.Table("", *shown, title=title, box=rich.box.SIMPLE_HEAD, padding=0)
            tables.append(table)
        for row, figures in rows if names else []:
            cells = [_cell(figures, name, star) for name in names]
            if any(cells):
                tables[-1].add_row(row, *cells)
    tables[-1].caption = "\n".join(caption + results["cautions"])
    return tables


def _heading(name: str, prefix: str) -> str:
    """Without the name of the feature space, which the caption has, where that is a prefix."""
    if name.startswith("inception_score"):
        return "IS"
    return name.removeprefix(f"{prefix}_").replace("_", " ")


def _cell(figures: dict, name: str, star: str) -> str:
    if name not in figures:
        return ""
    deviation = figures.get(f"{name.removesuffix('*')}_deviation{star}")
    return f"{figures[name]:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
