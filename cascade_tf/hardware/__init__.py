"""Compilation for accelerators that this machine does not have.

A stage's function is lowered by TensorFlow to a program of XLA (`lowering.py`). The compiler of a
TPU or GPU (`targets.py`) compiles it, in a process of its own (`compiler.py`, `compilation.py`),
and tells the memory and the work of the program. Nothing is executed.
"""
