import numpy as np
import pytest

from cascade_cli.evaluation.class_shares import classes_to_sample, in_proportion
from cascade_cli.evaluation.training_distance import TrainingDistance
from cascade_tf.data import ArraySource
from cascade_tf.errors import UserError
from cascade_tf.training import Trainer
from cascade_tf.training_config import TrainingConfig
from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.gan_stage import GANStage
from wavelet_tf.latents import Latents
from wavelet_tf.training_config import GANTrainingConfig
from wavelet_tf.unit_images import to_uint8, unit_range


def _source(counts):
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    return ArraySource(np.zeros([len(labels), 16, 16, 1], np.uint8), labels)


def _stage(num_classes):
    config = BigGANConfig(size=16, num_classes=num_classes, channels=1)
    latents = Latents(unit_range, size=16, channels=1, value_range=(0.0, 1.0))
    return GANStage("gan", config, latents, GANTrainingConfig())


@pytest.mark.parametrize(
    ("counts", "total", "expected"),
    [
        ([110, 10], 120, [110, 10]),
        ([110, 10], 1000, [917, 83]),
        ([1, 1, 1], 4, [2, 1, 1]),
        ([5, 0, 3], 4, [3, 0, 1]),
        ([1, 999], 10, [0, 10]),
    ],
)
def test_shares_are_exact_up_to_one_sample(counts, total, expected):
    classes = in_proportion(np.array(counts), total)
    assert classes.dtype == np.int32
    assert np.bincount(classes, minlength=len(counts)).tolist() == expected


def test_only_the_images_that_are_compared_count():
    source = _source([30, 10])
    assert np.bincount(classes_to_sample(_stage(2), source, None, 8)).tolist() == [6, 2]
    assert np.bincount(classes_to_sample(_stage(2), source, 32, 16)).tolist() == [15, 1]


def test_a_model_without_classes_or_with_others_samples_its_own():
    assert classes_to_sample(_stage(1), _source([30, 10]), None, 8) is None
    assert classes_to_sample(_stage(3), _source([30, 10]), None, 8) is None
    unknown = _source([30, 10])
    unknown.unknown_classes = ("owl",)
    assert classes_to_sample(_stage(2), unknown, None, 8) is None


def test_a_model_of_classes_is_not_trained_beside_held_out_images_of_others(tmp_path):
    train, test = _source([30, 10]), _source([3, 1])
    test.unknown_classes = ("owl",)
    with pytest.raises(UserError, match="held-out images have the classes owl, which training"):
        Trainer(_stage(2), TrainingConfig(steps=1, batch_size=4), train, tmp_path, test)


def test_the_distance_during_training_is_of_samples_with_the_images_classes(monkeypatch):
    drawn, stage = [], _stage(2)

    def sample(request):
        drawn.extend(request.labels.numpy())
        return np.zeros([len(request.labels), 16, 16, 1], np.float32)

    monkeypatch.setattr(stage, "sample", sample)
    monkeypatch.setattr(stage, "target", unit_range)
    monkeypatch.setattr(stage, "to_images", lambda target: to_uint8(target, 1.0))
    distance = TrainingDistance(stage, _source([55, 5]), count=60)
    assert distance()["pixel_frechet_distance"] == pytest.approx(0, abs=1e-6)
    # The second batch of 50 repeats the first classes, but only 10 of its samples are compared.
    assert np.bincount(drawn[:60]).tolist() == [55, 5]
