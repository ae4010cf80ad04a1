"""Subscale Pixel Networks and Multidimensional Upscaling (Menick and Kalchbrenner, 2019)."""
