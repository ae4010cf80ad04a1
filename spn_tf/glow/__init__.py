"""Glow: generative flow with invertible 1x1 convolutions (Kingma and Dhariwal, 2018).

Read `glow.py` first, then the three layers of its step of flow, in `step.py`. `dequantisation.py`
leads from intensities to what the flow models, and back.
"""
