"""The weights and settings that an archive's decoder must share with its encoder, in 12 bytes."""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from spn_tf.spn_stage import SPNStage


def model_digest(stages: Sequence[SPNStage]) -> bytes:
    """The first 12 bytes of the SHA-256 of all weights, and of the settings of the networks.

    Args:
        stages: built.
    """
    digest = hashlib.sha256()
    for stage in stages:
        network = stage.network
        settings = {
            field.name: value
            for field in dataclasses.fields(stage.config)
            # Only these, so that a setting of a later version does not change the digest.
            if (value := getattr(stage.config, field.name)) != field.default
        }
        digest.update(f"{stage.name} {network.compute_dtype} {sorted(settings.items())}".encode())
        for variable in sorted(network.weights, key=lambda weight: weight.path):
            values = np.ascontiguousarray(variable.numpy())
            digest.update(f"{variable.path} {values.dtype} {values.shape}".encode())
            digest.update(values.tobytes())
    return digest.digest()[:12]
