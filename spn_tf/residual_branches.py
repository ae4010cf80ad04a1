"""How the last weights of residual branches start: small, so that a network starts shallow.

Each branch adds a hundredth of the variance that it would at a usual start. A deep stack is then
near the identity at first, and its branches come in as they learn.
"""

import keras


def small_weights() -> keras.initializers.Initializer:
    """A tenth of the usual standard deviation, 1 / sqrt(fan-in)."""
    return keras.initializers.VarianceScaling(0.01, mode="fan_in")
