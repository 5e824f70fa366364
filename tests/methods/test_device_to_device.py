"""What one graph on a GPU hands on to the next does not pass through the host."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy.bundle import find_bundle
from colordeploy.loading import graph_loader
from colordeploy.methods.model import ModelOptions
from colordeploy.models import model_of
from colordeploy.runtime.graph import Target

from ..gpu_graph import GraphOnGpu


def models(name):
    """The same model twice, the second one with its graphs on a synthetic GPU."""
    bundle, graphs = find_bundle(name), {}
    load = graph_loader(bundle, Target(device="cpu", threads=1))

    def on_gpu(graph):
        graphs[graph] = GraphOnGpu(load(graph))
        return graphs[graph]

    plain = colordeploy.load(name, device="cpu", threads=1)
    return plain, model_of(bundle, on_gpu, ModelOptions(threads=1)), graphs


@pytest.fixture
def drawing():
    page = np.full((96, 128), 255, np.uint8)
    page[20:70, [30, 31, 90, 91]] = 0
    page[[20, 21, 69, 70], 30:92] = 0
    return page


def test_disco(photo_like):
    plain, ours, graphs = models("disco")
    with plain, ours:
        canvas = ours.prepare(photo_like)
        assert np.array_equal(canvas.render(), plain.prepare(photo_like).render())
        assert graphs["analyze"].fetched == ["tokens"]  # anchors are located on them
        canvas.render(canvas.anchors[:-1])
        canvas.anchors_from(photo_like)
        assert sorted(graphs["analyze"].fetched) == ["probabilities", "tokens"]  # each once


def test_rasc(drawing):
    plain, ours, graphs = models("rasc")
    with plain, ours:
        canvas = ours.prepare(drawing)
        assert np.array_equal(canvas.render(3), plain.prepare(drawing).render(3))
        assert graphs["encode"].fetched == []  # regions are pooled where the features are
        assert graphs["describe"].fetched == ["style"]
        canvas.render(4)
        assert graphs["describe"].fetched == ["style"]
