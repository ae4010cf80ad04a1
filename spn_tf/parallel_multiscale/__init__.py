"""Parallel Multiscale PixelCNN (Reed et al., 2017), a baseline of the SPN paper's Tables 1 and 2.

A small image, drawn pixel after pixel, grows twofold from stage to stage. A stage draws three
groups of pixels one after another, and all pixels of a group at once.

- `config.py`: stages and sizes;
- `multiscale_stage.py`: a stage of the cascade;
- `parallel_decoder.py`: the distributions of a group.
"""
