"""Lossless compression: an exact likelihood as a code length.

Sampling draws each intensity from its distribution; decoding reads it from a stream instead. The
encoder runs the decoder's own program, with the true intensities, so that both compute the same
numbers.

- `integer_probabilities`: the logits of a subpixel as integers
- `range_decoder`: constriction's range decoder, in graphs that XLA compiles
- `coded_slice`: a `Chooser` that reads intensities from a stream
- `stage_coder`: the slices of one stage
- `cascade_coder`: all stages of a batch of tiles, in one stream
- `tiles`: pictures of any size as tiles of the model's size
- `picture`: pictures before and after
- `archive`: the bytes of a file
- `arithmetic`, `model_digest`: what encoder and decoder must share
- `compressor`: pictures to archives and back
"""
