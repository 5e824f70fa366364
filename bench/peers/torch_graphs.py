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
from export.bundling import anchored, disco, lga, matched, regional, sscn
from export.bundling.specification import BundleSpec, write
from export.bundling.writer import Identity
from export.models.disco.decoder import AnchoredNetwork, DecoderConfig
from export.models.disco.network import Disco, DiscoConfig
from export.models.lga import LGAConfig, LGANet
from export.models.rasc.regional import LineEncoder, RegionalConfig, RegionalNetwork
from export.models.sscn.matched import MatchedConfig, MatchedNetwork
from export.models.sscn.network import Sscn, SscnConfig

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

    def run(
        self, inputs: Mapping[str, NDArray[Any]], *, cancel: Any = None
    ) -> dict[str, NDArray[Any]]:
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
    net = RegionalNetwork(RegionalConfig(**shape)).eval()
    spec = regional.specification(net)
    write(spec, path, identity, trained_on="nothing")
    modules = {
        "encode": LineEncoder(net),
        "describe": regional.DescribeGraph(net),
        "paint": regional.PaintGraph(net),
    }
    return _unfolded(spec, modules)


# Shapes of disco 1.1.0 and sscn 1.0.0, which were the papers' networks.
FORMER_DISCO = DiscoConfig(
    superpixel_width=8, backbone_width=24, refine_width=16, tokens=48, layers=4, heads=4, hidden=192
)
FORMER_SSCN = SscnConfig(
    width=24, coarse_width=12, decoder_width=16, style=128, attention=64, classes=193
)


def former_networks(name: str, path: Path) -> dict[str, Network]:
    """As `networks`, of the version before the present one; none for methods that had no other."""
    torch.manual_seed(0)
    identity = Identity(f"{name}-former")
    if name == "disco":
        net = Disco(FORMER_DISCO).train()
        with torch.no_grad():
            for _ in range(6):  # running statistics and spectral norms
                gray = torch.rand(2, 1, 64, 64) * 2 - 1
                seen = net.analyze(gray)
                nothing = torch.zeros(2, 3, 4, 4)
                net.generate(gray, seen.association, seen.tokens, nothing[:, :1], nothing[:, 1:])
        net.eval()
        spec = disco.specification(net)
        write(spec, path, identity, trained_on="nothing")
        halves = {"analyze": disco.AnalyzeGraph(net), "generate": disco.GenerateGraph(net)}
        return _unfolded(spec, halves)
    if name == "sscn":
        former = Sscn(FORMER_SSCN).train()
        with torch.no_grad():
            for _ in range(4):  # running statistics
                lab = torch.rand(2, 3, 64, 64) - 0.5
                reference = former.encode_reference(lab)
                former.colorize(lab[:, :1], reference.style, reference.features)
        former.eval()
        spec = sscn.specification(former)
        write(spec, path, identity, trained_on="nothing")
        modules = {
            "encode_reference": sscn.EncodeReferenceGraph(former),
            "colorize": sscn.ColorizeGraph(former),
        }
        return _unfolded(spec, modules)
    return {}


def _unfolded(spec: BundleSpec, modules: Mapping[str, nn.Module]) -> dict[str, Network]:
    """The networks as they are trained, with the outputs of the bundle's graphs."""
    return {graph.name: Network(modules[graph.name], list(graph.outputs)) for graph in spec.graphs}
