"""Run a graph on a device. Knows nothing of what a graph means."""

from __future__ import annotations

from .graph import Graph, load_graph

__all__ = ["Graph", "load_graph"]
