"""Run a graph on a device. Knows nothing of what a graph means."""

from __future__ import annotations

from ..device_array import DeviceArray, is_device_array
from .graph import Graph, load_graph
from .providers import ProviderOptions

__all__ = ["DeviceArray", "Graph", "ProviderOptions", "is_device_array", "load_graph"]
