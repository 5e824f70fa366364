"""`lga` with its graph on a synthetic GPU: features stay there, strokes go in, chroma comes out."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy.bundle import find_bundle
from colordeploy.loading import graph_loader
from colordeploy.methods.model import ModelOptions
from colordeploy.models import model_of
from colordeploy.runtime.graph import Target

from ...gpu_graph import GraphOnGpu


@pytest.fixture
def models(emulated):
    bundle = find_bundle("lga")
    graph = GraphOnGpu(graph_loader(bundle, Target(device="cpu", threads=1))("affinity"))
    plain = colordeploy.load("lga", device="cpu", threads=1)
    ours = model_of(bundle, lambda name: graph, ModelOptions(threads=1))
    with plain, ours:
        yield plain, ours, graph


def test_the_same_picture_without_fetching_features(models, photo_like, strokes_rgba):
    plain, ours, graph = models
    wanted, canvas = plain.prepare(photo_like), ours.prepare(photo_like)
    difference = wanted.render(strokes_rgba).astype(int) - canvas.render(strokes_rgba)
    assert np.abs(difference).max() <= 1
    assert graph.fetched == ["log_alpha"]  # one number
    np.testing.assert_allclose(canvas.affinity(5, 9), wanted.affinity(5, 9), atol=1e-6)
    assert graph.fetched == ["log_alpha", "log_alpha", "features"]  # to look at them, once
    np.testing.assert_allclose(canvas.local_affinity(0, 1), wanted.local_affinity(0, 1), atol=1e-6)
    assert len(graph.fetched) == 3
