"""Models whose graphs note what goes in and what comes out, through the loader that models take."""

from __future__ import annotations

from colordeploy.bundle import find_bundle
from colordeploy.loading import graph_loader
from colordeploy.methods.model import ModelOptions
from colordeploy.models import model_of
from colordeploy.runtime.graph import Target


class RecordedGraph:
    """A graph that keeps the inputs and outputs of its runs.

    Attributes
    ----------
    runs : list of (inputs, outputs)
    """

    def __init__(self, graph):
        self._graph = graph
        self.runs = []

    def __getattr__(self, name):
        return getattr(self._graph, name)

    def run(self, inputs, **keywords):
        outputs = self._graph.run(inputs, **keywords)
        self.runs.append((dict(inputs), outputs))
        return outputs


def recorded_model(bundle):
    """A model of a bundle (name or path) on one CPU thread, and its graphs by name."""
    opened, graphs = find_bundle(bundle), {}
    load = graph_loader(opened, Target(device="cpu", threads=1))

    def recorded(name):
        graphs[name] = RecordedGraph(load(name))
        return graphs[name]

    return model_of(opened, recorded, ModelOptions("cpu", 1)), graphs
