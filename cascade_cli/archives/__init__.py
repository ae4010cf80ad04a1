"""Archives of pictures: what `compress` and `decompress` do for Subscale Pixel Networks."""
