import numpy as np
import tensorflow as tf

from wavelet_tf import training_config
from wavelet_tf.biggan.augmentation import AUGMENTATIONS
from wavelet_tf.biggan.losses import LOSSES

REAL, FAKE = tf.constant([2.0, 0.5, -1.0, 1.0]), tf.constant([-3.0, -0.5, 1.0, 0.5])


def test_hinge_losses_by_hand():
    losses = LOSSES["hinge"].discriminator(REAL, FAKE)
    np.testing.assert_allclose(losses, [0 + 0, 0.5 + 0.5, 2 + 2, 0 + 1.5])
    np.testing.assert_array_equal(LOSSES["hinge"].generator(FAKE, REAL), -FAKE)


def test_relativistic_losses_by_hand():
    loss = LOSSES["relativistic"]
    difference = REAL - FAKE
    np.testing.assert_allclose(loss.discriminator(REAL, FAKE), np.log1p(np.exp(-difference)), 1e-6)
    np.testing.assert_allclose(loss.generator(FAKE, REAL), np.log1p(np.exp(difference)), 1e-6)


def test_equal_logits_are_a_discriminator_that_cannot_tell():
    zeros = tf.zeros(3)
    assert (LOSSES["hinge"].discriminator(zeros, zeros) == 2).numpy().all()
    np.testing.assert_allclose(LOSSES["relativistic"].discriminator(zeros, zeros), np.log(2), 1e-6)


def test_the_settings_name_the_losses_and_the_augmentations():
    """The settings are read without TensorFlow, so they repeat the names."""
    assert tuple(LOSSES) == training_config.LOSSES
    assert tuple(AUGMENTATIONS) == training_config.AUGMENTATIONS
