"""Initial weights of the last layer of residual branches: small, so that deep stacks train well.

A branch then adds a hundredth of the usual variance. A deep stack starts near the identity, and its
branches grow as they learn.
"""

import keras


def small_weights() -> keras.initializers.Initializer:
    """Initializer with a tenth of the usual standard deviation, 1 / sqrt(fan-in).

    >>> small_weights().scale
    0.01
    """
    return keras.initializers.VarianceScaling(0.01, mode="fan_in")
