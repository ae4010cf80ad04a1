"""The Image Transformer (Parmar et al., 2018), a baseline of the SPN paper's Table 1.

- `image_transformer.py`: the network;
- `local_attention.py`: attention of a block of positions to those around it;
- `../sampling/cached_image_transformer.py`: the network one position at a time.
"""
