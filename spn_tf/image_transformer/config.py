"""Sizes of an Image Transformer."""

import dataclasses

from spn_tf.autoregressive_config import AutoregressiveConfig, dropout
from spn_tf.image_config import size


@dataclasses.dataclass(frozen=True)
class ImageTransformerConfig(AutoregressiveConfig):
    """Images, and widths and depths of an Image Transformer; the widths are its authors'.

    With a softmax every colour of a pixel is a position of the sequence, as in the paper's
    categorical model. With a mixture of logistics a pixel is one position.

    Attributes:
        num_classes: 1 makes the model unconditional. A class is a learned vector, added to the
            input of every position.
        transformer_block_rows, transformer_block_columns: pixels of a query block. Blocks are
            drawn in raster order, and the pixels of a block too.
        transformer_memory_rows, transformer_memory_columns: pixels by which the memory of a block
            extends it: above; left and right.
        dropout: rate on the input and on each residual branch.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> ImageTransformerConfig(height=32, width=32).slice_height
    128
    """

    system = "image_transformer"

    transformer_layers: int = size(12, "Layers of an Image Transformer.")
    transformer_width: int = size(512, "Units of its positions.")
    transformer_heads: int = size(8, "Attention heads of an Image Transformer.")
    transformer_ffn_size: int = size(2048, "Hidden units of its feed-forward layers.")
    transformer_block_rows: int = size(8, "Rows of a query block, in pixels.")
    transformer_block_columns: int = size(8, "Columns of a query block, in pixels.")
    transformer_memory_rows: int = size(8, "Rows of memory above a query block.", 0)
    transformer_memory_columns: int = size(8, "Columns of memory on both sides of it.", 0)
    dropout: float = dropout()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transformer_width % self.transformer_heads:
            advice = "use a width that the number of heads divides"
            self.refuse(advice, "transformer_width", "transformer_heads")
        sides = (("height", "transformer_block_rows"), ("width", "transformer_block_columns"))
        for side, block in sides:
            if getattr(self, side) % getattr(self, block):
                advice = f"images of {self.height}x{self.width} pixels do not divide into blocks"
                self.refuse(f"{advice}; use a divisor of the side", block)

    @property
    def block(self) -> tuple[int, int]:
        return self.transformer_block_rows, self.transformer_block_columns

    @property
    def positions_per_pixel(self) -> int:
        """Positions of the sequence for a pixel: 1, or one for each colour."""
        return 1 if self.is_mixture else self.channels

    @property
    def embedding_channels(self) -> int:
        return self.transformer_width

    @property
    def slice_height(self) -> int:
        return self.height * self.width // self.transformer_block_columns

    @property
    def slice_width(self) -> int:
        return self.transformer_block_columns
