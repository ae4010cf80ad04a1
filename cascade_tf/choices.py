"""Choices that commands and packages share; importing them needs no TensorFlow."""

STRATEGIES = ("auto", "single", "mirrored")
ALL_STRATEGIES = (*STRATEGIES, "multiworker", "tpu")  # the last two are for training only
TRUNCATION_KINDS = ("scale", "truncate")
LARGEST_TRUNCATION = 100.0  # far beyond any use; much larger noise overflows in the generator
