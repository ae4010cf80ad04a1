"""Evaluations of trained models: tables for people, and results for JSON."""
