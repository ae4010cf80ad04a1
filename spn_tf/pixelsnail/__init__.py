"""PixelSNAIL (Chen et al., 2017), a baseline of the SPN paper's Table 1. Where to read:

- `pixelsnail.py`: the network;
- `snail_block.py`: residual blocks, then attention over all pixels before;
- `gated_residual.py`: the residual block;
- `../sampling/cached_pixelsnail.py`: the network one pixel at a time.
"""
