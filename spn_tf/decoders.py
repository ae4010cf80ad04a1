"""The decoder of each model that draws intensities in order."""

from typing import Any

from spn_tf.config import SPNConfig
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.image_transformer.config import ImageTransformerConfig
from spn_tf.image_transformer.image_transformer import ImageTransformer
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.parallel_multiscale.parallel_decoder import ParallelDecoder
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.pixelsnail.pixelsnail import PixelSNAIL
from spn_tf.slice_decoder import SliceDecoder

DecoderConfig = (
    SPNConfig | GatedPixelCNNConfig | PixelSNAILConfig | ImageTransformerConfig | ParallelConfig
)
_DECODERS: dict[type[DecoderConfig], type[IntensityDecoder]] = {
    SPNConfig: SliceDecoder,
    GatedPixelCNNConfig: SliceDecoder,
    PixelSNAILConfig: PixelSNAIL,
    ImageTransformerConfig: ImageTransformer,
    ParallelConfig: ParallelDecoder,
}


def decoder_of(config: DecoderConfig, **kwargs: Any) -> IntensityDecoder:
    """The decoder that a config is of, not yet built.

    >>> type(decoder_of(GatedPixelCNNConfig())).__name__
    'SliceDecoder'
    """
    return _DECODERS[type(config)](config, **kwargs)
