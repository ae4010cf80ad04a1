"""Figures of trained models, for people and as JSON."""
