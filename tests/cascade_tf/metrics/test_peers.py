"""Metrics against figures that other libraries computed of the same features."""

import json
import pathlib

import pytest

from benchmarks.metrics_against_peers import our_figures


def test_metrics_equal_those_of_torch_fidelity_prdc_and_pot():
    """Their figures are in the file; `benchmarks/metrics_against_peers.py` computes them again."""
    path = pathlib.Path(__file__).with_name("peer_figures.json")
    assert our_figures() == pytest.approx(json.loads(path.read_text()), rel=1e-6)
