import numpy as np
import tensorflow as tf

from wavelet_tf.biggan.losses import fake_loss, generator_loss, real_loss


def test_hinge_losses_by_hand():
    real, fake = tf.constant([2.0, 0.5, -1.0, 1.0]), tf.constant([-3.0, -0.5, 1.0, 0.5])
    losses = real_loss(real), fake_loss(fake)
    np.testing.assert_allclose(losses, [(0 + 0.5 + 2 + 0) / 4, (0 + 0.5 + 2 + 1.5) / 4])
    assert generator_loss(fake) == 0.5


def test_zero_logits_have_a_discriminator_loss_of_two():
    zeros = tf.zeros(3)
    assert real_loss(zeros) + fake_loss(zeros) == 2 and generator_loss(zeros) == 0
