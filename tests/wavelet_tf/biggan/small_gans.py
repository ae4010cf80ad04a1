"""GANs small enough for tests, and a training step's gradients."""

import tensorflow as tf

from wavelet_tf.biggan.config import BigGANConfig
from wavelet_tf.biggan.discriminator import Discriminator
from wavelet_tf.biggan.generator import Generator
from wavelet_tf.biggan.losses import LOSSES
from wavelet_tf.biggan.spectral_norm import update_spectral_norms

__all__ = ["ARCHITECTURES", "batch", "config", "gradients", "nets", "shake"]

ARCHITECTURES = ("biggan", "biggan_deep")


def config(architecture, **changes):
    values = dict(
        size=16,
        channels=1,
        num_classes=3,
        architecture=architecture,
        generator_width=8,
        discriminator_width=8,
        z_size=6,
        class_embedding=5,
        attention_size=8,
    )
    return BigGANConfig(**values | changes)


def nets(architecture, synchronized=False, policy="float32", **changes):
    """Returns a generator and a discriminator, built."""
    c = config(architecture, **changes)
    generator = Generator(c, synchronized, dtype=policy, name="generator")
    discriminator = Discriminator(c, dtype=policy, name="discriminator")
    generator.build()
    discriminator.build()
    return generator, discriminator


def shake(network):
    """Adds noise to all weights, so that none is zero, and updates the singular vectors."""
    for number, weight in enumerate(network.trainable_weights):
        weight.assign_add(tf.random.stateless_normal(weight.shape, [number, 1], stddev=0.1))
    for _ in range(20):
        update_spectral_norms(network)


def batch(c, count=4):
    """Returns images, noise and labels."""
    draw = tf.random.stateless_normal([count, c.size, c.size, c.channels], [1, 2])
    z = tf.random.stateless_normal([count, c.z_size], [3, 4])
    return tf.tanh(draw), z, tf.range(count) % c.num_classes


def gradients(generator, discriminator, images, z, labels, replicas=1):
    """Returns both losses and the gradients of both nets, after one power iteration of each."""
    update_spectral_norms(generator)
    update_spectral_norms(discriminator)
    with tf.GradientTape(persistent=True) as tape:
        samples = generator(z, labels, training=True)
        fake = discriminator(samples, labels)
        real, loss = discriminator(images, labels), LOSSES["hinge"]
        d_loss = tf.reduce_mean(loss.discriminator(real, fake)) / replicas
        g_loss = tf.reduce_mean(loss.generator(fake, real)) / replicas
    return (
        [d_loss, g_loss],
        tape.gradient(d_loss, discriminator.trainable_variables),
        tape.gradient(g_loss, generator.trainable_variables),
    )
