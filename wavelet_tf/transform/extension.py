"""Extension of a signal beyond its ends."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Extension:
    """A rule for the samples before the first and after the last.

    Attributes:
        kind: "periodic", "zeros" or "mirrored".
        half_left, half_right: whether the mirror stands half a sample beyond that end, so that
            the end sample is repeated. Otherwise it stands on the end sample.
    """

    kind: str
    half_left: bool = False
    half_right: bool = False

    def extend(self, signal: tf.Tensor, before: int, after: int) -> tf.Tensor:
        """Adds samples on both sides: [A, N, R] to [A, before + N + after, R].

        Signals may be shorter than their extension.
        """
        left, right = self.sides(signal, before, after)
        return tf.concat([left, signal, right], axis=1)

    def sides(self, signal: tf.Tensor, before: int, after: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The samples before the first and after the last: [A, before, R] and [A, after, R]."""
        n = signal.shape[1] or tf.shape(signal)[1]
        left = tf.gather(signal, self._source(tf.range(-before, 0), n), axis=1)
        right = tf.gather(signal, self._source(n + tf.range(after), n), axis=1)
        if self.kind == "zeros":
            return tf.zeros_like(left), tf.zeros_like(right)
        return left, right

    def _source(self, places: tf.Tensor, n: int | tf.Tensor) -> tf.Tensor:
        """Indices in [0, n) of the samples that are copied to `places`, any integers."""
        if self.kind != "mirrored":
            return places % n
        left, right = int(self.half_left), int(self.half_right)
        places %= 2 * n - 2 + left + right
        return tf.where(places < n, places, 2 * n - 2 + right - places)


periodic = Extension("periodic")
zeros = Extension("zeros")


def mirrored(half_left: bool, half_right: bool) -> Extension:
    return Extension("mirrored", half_left, half_right)
