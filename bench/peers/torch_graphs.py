"""The shipped bundles' networks in PyTorch, in the place of our graphs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from colordeploy.bundle import find_bundle
from export.bundling import anchored, lga, matched, rasc
from export.bundling.specification import BundleSpec, write
from export.bundling.writer import Identity
from export.models.disco.decoder import AnchoredNetwork, DecoderConfig
from export.models.lga import LGAConfig, LGANet
from export.models.rasc.network import Rasc, RascConfig
from export.models.sscn.matched import MatchedConfig, MatchedNetwork

Mode = Literal["eager", "compile", "bfloat16"]


class Network(NamedTuple):
    """What a graph was made from, and the names of its outputs."""

    module: nn.Module
    outputs: list[str]


class TorchGraph:
    """A graph's network in the graph's place.

    Parameters
    ----------
    network : Network
    mode : {"eager", "compile", "bfloat16"}
        float32 step by step; through ``torch.compile`` with its defaults, compiled for the shapes
        of the first call; or step by step under autocast to bfloat16.

    Attributes
    ----------
    failure : str or None
        Why ``torch.compile`` could not compile it: it is run step by step then.
    """

    device = "cpu"
    why = "PyTorch"

    def __init__(self, network: Network, mode: Mode) -> None:
        self._eager, self._outputs = network
        compiled = mode == "compile"
        self._module = torch.compile(self._eager, dynamic=False) if compiled else self._eager
        self._autocast = mode == "bfloat16"
        self.failure: str | None = None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        tensors = {n: torch.from_numpy(np.array(a)) for n, a in inputs.items()}
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self._autocast):
            found = self._called(tensors)
        results = found if isinstance(found, tuple) else (found,)
        return {
            name: (t.float() if t.dtype == torch.bfloat16 else t).numpy()
            for name, t in zip(self._outputs, results, strict=True)
        }

    def _called(self, tensors: dict[str, torch.Tensor]) -> Any:
        if self._module is self._eager:
            return self._eager(**tensors)
        try:
            return self._module(**tensors)
        except Exception as error:  # compilers fail in many ways
            found = self._eager(**tensors)  # an error of the network's own is raised here
            first, *_ = str(error).splitlines() or [""]
            self.failure = f"{type(error).__name__}: {first:.200}"
            self._module = self._eager
            return found

    def close(self) -> None:
        pass


def networks(name: str, path: Path) -> dict[str, Network]:
    """Write a bundle of the shipped shape, and give the networks of its graphs.

    lga's bundle stays the shipped one: its weights have a part in the system that is solved.
    """
    torch.manual_seed(0)
    shape = find_bundle(name).parameter("network") if name != "lga" else None
    identity = Identity(f"{name}-bench")
    if name == "lga":
        opened = find_bundle(name)
        config = LGAConfig.from_dict(opened.parameter("network"))
        net = LGANet(config).eval()
        net.load_state_dict(lga.bundle_weights(opened))
        return {"affinity": Network(lga.AffinityGraph(net), ["features", "log_alpha"])}
    if name == "disco":
        cells = AnchoredNetwork(DecoderConfig(**{**shape, "widths": tuple(shape["widths"])}))
        with torch.no_grad():
            for _ in range(4):  # running statistics
                hints = torch.ones(2, 3, 4, 4)
                cells.train()(torch.rand(2, 1, 64, 64), hints[:, :1], hints[:, 1:])
        cells.eval()
        spec = anchored.specification(cells)
        write(spec, path, identity, trained_on="nothing")
        halves = {"analyze": anchored.AnalyzeGraph, "generate": anchored.GenerateGraph}
        return _unfolded(spec, {name: half(cells) for name, half in halves.items()})
    if name == "sscn":
        net = MatchedNetwork(MatchedConfig.from_dict(shape)).eval()
        spec = matched.specification(net)
        write(spec, path, identity, trained_on="nothing")
        modules = {
            "encode_reference": matched.EncodeReferenceGraph(net),
            "colorize": matched.ColorizeGraph(net),
        }
        return _unfolded(spec, modules)
    net = Rasc(RascConfig.from_dict(shape)).train()
    with torch.no_grad():
        for _ in range(4):
            net(torch.rand(2, 1, 64, 64) * 2 - 1, torch.randint(0, 4, (2, 64, 64)))
    net.eval()
    spec = rasc.specification(net)
    write(spec, path, identity, trained_on="nothing")
    classes = (rasc.EncodeGraph, rasc.CorrelateGraph, rasc.DecodeGraph)
    named = zip(("encode", "correlate", "decode"), classes, strict=True)
    return _unfolded(spec, {name: graph(net) for name, graph in named})


def _unfolded(spec: BundleSpec, modules: Mapping[str, nn.Module]) -> dict[str, Network]:
    """The networks as they are trained, with the outputs of the bundle's graphs."""
    return {graph.name: Network(modules[graph.name], list(graph.outputs)) for graph in spec.graphs}
