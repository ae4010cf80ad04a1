"""A codebook: vectors that replace encodings, and follow them (VQ-VAE, Appendix A)."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from cascade_tf.randomness import uniform
from cascade_tf.serializable_layer import SerializableLayer

_SMOOTHING = 1e-5


class Assignments(NamedTuple):
    """A batch's encodings by their code; those of several batches can be added.

    Attributes:
        counts: float32 [K], the number of encodings nearest to a code.
        sums: float32 [K, D], their sums.
        candidates: float32 [K, D], an encoding of the batch for each code, in place of an unused
            vector.
        has_candidate: float32 [K], 1 or 0.
    """

    counts: tf.Tensor
    sums: tf.Tensor
    candidates: tf.Tensor
    has_candidate: tf.Tensor


class Codebook(SerializableLayer):
    """K vectors e of D numbers, as moving averages of the encodings z that are nearest to them.

    For code i, with n_i of a batch's encodings:

        N_i <- gamma N_i + (1 - gamma) n_i
        m_i <- gamma m_i + (1 - gamma) (sum of these encodings)
        e_i = m_i / N_i, where N_i is smoothed to (N_i + eps) / (sum of N + K eps) (sum of N)

    The weights are N and m, float32 in every compute dtype.

    Args:
        codes: K.
        size: D.

    Example:
        >>> codebook = Codebook(codes=8, size=4)
        >>> codebook.build()
        >>> codes = codebook.nearest(codebook.vectors()[None, 2:5])
        >>> codes.numpy(), codebook.look_up(codes).shape
        (array([[2, 3, 4]], dtype=int32), TensorShape([1, 3, 4]))
    """

    def __init__(self, codes: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.codes, self.size = codes, size

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        # Needs no aggregation: every replica moves its own copy, all in the same way.
        facts: dict[str, Any] = dict(trainable=False, autocast=False)
        self.counts = self.add_weight(
            shape=[self.codes], initializer="ones", name="counts", **facts
        )
        normal = keras.initializers.RandomNormal(stddev=self.size**-0.5)
        self.sums = self.add_weight(
            shape=[self.codes, self.size], initializer=normal, name="sums", **facts
        )
        self.built = True

    def vectors(self) -> tf.Tensor:
        """The vectors e, float32 [K, D]."""
        counts = tf.convert_to_tensor(self.counts)
        total = tf.reduce_sum(counts)
        smoothed = (counts + _SMOOTHING) / (total + self.codes * _SMOOTHING) * total
        return tf.convert_to_tensor(self.sums) / smoothed[:, None]

    def nearest(self, encodings: tf.Tensor) -> tf.Tensor:
        """Numbers of the nearest vectors, [..., D] to int32 [...]; of equal ones the first."""
        vectors = self.vectors()
        flat = tf.reshape(tf.cast(encodings, tf.float32), [-1, self.size])
        # |z - e|^2 without |z|^2, which is the same for all codes.
        lengths = tf.reduce_sum(tf.square(vectors), axis=1)
        products = tf.matmul(flat, vectors, transpose_b=True)
        codes = tf.argmin(lengths - 2 * products, axis=1, output_type=tf.int32)
        return tf.reshape(codes, tf.shape(encodings)[:-1])

    def look_up(self, codes: tf.Tensor) -> tf.Tensor:
        """Vectors of codes, int32 [...] to float32 [..., D]."""
        return tf.gather(self.vectors(), codes)

    def call(self, encodings: tf.Tensor) -> tf.Tensor:
        """Encodings replaced by their nearest vectors; gradients pass straight through."""
        return self.replaced(encodings, self.nearest(encodings))

    def replaced(self, encodings: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Encodings replaced by the vectors of their codes; gradients pass straight through."""
        z = tf.cast(encodings, tf.float32)
        return z + tf.stop_gradient(self.look_up(codes) - z)

    @property
    def output_dtype(self) -> str:
        return "float32"

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def assignments(
        self, encodings: tf.Tensor, codes: tf.Tensor, places: tf.Tensor, batch: int, draw: tf.Tensor
    ) -> Assignments:
        """A replica's encodings by their codes; the sums over replicas are those of the batch.

        Args:
            encodings: [b, h, w, D].
            codes: int32 [b, h, w], their nearest.
            places: int32 [b], of the images in the batch; no two of a batch are equal.
            batch: B, images of the batch.
            draw: float32 [2, K] in [0, 1): image and position of each code's candidate.
        """
        flat = tf.reshape(tf.cast(encodings, tf.float32), [-1, self.size])
        numbers = tf.reshape(codes, [-1])
        sums = tf.math.unsorted_segment_sum(flat, numbers, self.codes)
        counts = tf.math.unsorted_segment_sum(tf.ones_like(flat[:, 0]), numbers, self.codes)
        positions = encodings.shape[1] * encodings.shape[2]
        image = tf.cast(draw[0] * batch, tf.int32)
        position = tf.cast(draw[1] * positions, tf.int32)
        here = places[:, None] == image  # [b, K]; each code's image is in one replica
        has_candidate = tf.reduce_sum(tf.cast(here, tf.float32), axis=0)
        own = tf.argmax(here, axis=0, output_type=tf.int32)
        candidates = tf.gather(flat, own * positions + position) * has_candidate[:, None]
        return Assignments(counts, sums, candidates, has_candidate)

    def update(self, assignments: Assignments, decay: float, restart: float) -> None:
        """Moves the averages by a batch; all replicas call it with the same sums.

        Args:
            assignments: of the whole batch.
            decay: gamma.
            restart: codes of less than this share of an average code's count become candidates,
                with the count of an average code.
        """
        counts = decay * self.counts + (1 - decay) * assignments.counts
        sums = decay * self.sums + (1 - decay) * assignments.sums
        average = tf.reduce_mean(counts)
        restarted = (counts < restart * average) & (assignments.has_candidate > 0)
        candidates = assignments.candidates * average
        self.counts.assign(tf.where(restarted, average, counts))
        self.sums.assign(tf.where(restarted[:, None], candidates, sums))


def candidate_draw(seed: int, name: str, step: tf.Tensor, codes: int) -> tf.Tensor:
    """The draw of `Codebook.assignments` for a training step, float32 [2, codes]."""
    numbers = uniform(seed, f"{name}/restart", tf.reshape(step, [1]), 2 * codes)
    return tf.reshape(numbers, [2, codes])
