"""Metrics between sets of images: FID, KID, MIND, precision, recall, density, coverage, IS."""

from cascade_tf.metrics.comparison import Comparison, compare
from cascade_tf.metrics.density_coverage import density_coverage
from cascade_tf.metrics.features import FeatureExtractor, extract_features, feature_batches
from cascade_tf.metrics.frechet import (
    GaussianAccumulator,
    GaussianStatistics,
    frechet_distance,
    gaussian_statistics,
)
from cascade_tf.metrics.image_comparison import compare_images, fid
from cascade_tf.metrics.inception import InceptionFeatures, load_inception
from cascade_tf.metrics.inception_score import inception_score
from cascade_tf.metrics.kernel_distance import kernel_distance
from cascade_tf.metrics.nearest import Neighbours, nearest, share_nearer
from cascade_tf.metrics.own_extractor import OwnExtractor, load_extractor
from cascade_tf.metrics.pixel_features import PixelFeatures
from cascade_tf.metrics.precision_recall import precision_recall
from cascade_tf.metrics.sliced_distance import sliced_distance
from cascade_tf.metrics.statistics_file import ImageOrigin, load_statistics, save_statistics

__all__ = [
    "Comparison",
    "FeatureExtractor",
    "GaussianAccumulator",
    "GaussianStatistics",
    "ImageOrigin",
    "InceptionFeatures",
    "Neighbours",
    "OwnExtractor",
    "PixelFeatures",
    "compare",
    "compare_images",
    "density_coverage",
    "extract_features",
    "feature_batches",
    "fid",
    "frechet_distance",
    "gaussian_statistics",
    "inception_score",
    "kernel_distance",
    "load_extractor",
    "load_inception",
    "load_statistics",
    "nearest",
    "precision_recall",
    "save_statistics",
    "share_nearer",
    "sliced_distance",
]
