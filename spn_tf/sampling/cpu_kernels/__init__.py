"""Layouts and operations tuned to the caches of CPUs and to XLA's CPU compiler."""
