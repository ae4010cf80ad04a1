"""What both papers stand on: images in, stages, cascades, training, metrics, pictures."""
