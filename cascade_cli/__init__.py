"""The commands: train, evaluate, sample and export, for every model family."""
