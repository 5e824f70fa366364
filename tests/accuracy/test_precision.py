"""Half precision is checked before anything is built in it."""

from __future__ import annotations

import pytest

from colordeploy.accuracy import precision
from colordeploy.accuracy.precision import check_precision
from colordeploy.bundle import find_bundle
from colordeploy.errors import BackendError


def test_a_precision_that_does_not_hold_names_the_layers(monkeypatch):
    bundle = find_bundle("lga")
    error = check_precision(bundle, "affinity", "fp16")
    assert 0 < error < 0.01
    monkeypatch.setitem(precision.HALF_SIMULATED, "fp16", error / 2)
    with pytest.raises(BackendError, match=r"by part of the network: net\.\w+ .*keep_fp32"):
        check_precision(bundle, "affinity", "fp16")


def test_graphs_in_a_precision():
    bundle = find_bundle("lga")
    assert bundle.graph_in("affinity", "fp32") == bundle.graph("affinity")
    assert bundle.graph_in("affinity", "fp16") != bundle.graph("affinity")
