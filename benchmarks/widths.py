"""Configs with Table 4's layers at a fraction of its widths."""

import dataclasses

from spn_tf.config import SPNConfig

_WIDTHS = (
    "pixelcnn_conv_channels",
    "pixelcnn_residual_channels",
    "decoder_attention_channels",
    "embedder_conv_channels",
    "embedder_residual_channels",
    "embedder_attention_channels",
    "ffn_size",
)


def shrunk(config: SPNConfig, divisor: int) -> SPNConfig:
    """Returns `config` with every width divided by `divisor`."""
    widths = {name: getattr(config, name) // divisor for name in _WIDTHS}
    return dataclasses.replace(config, **widths)
