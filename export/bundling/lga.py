"""LGA-Net as a bundle: one graph ``affinity``, luma to features and log alpha."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colordeploy.bundle import Bundle

from ..models.lga import LGAConfig, LGANet
from ..training.lga import load_average
from .onnx_graph import round_weights
from .specification import MAP, BundleSpec, GraphSpec
from .weights import weights

TOLERANCE = 1e-4


class AffinityGraph(nn.Module):
    """What the graph computes. log alpha instead of alpha: its error is a relative one."""

    def __init__(self, net: LGANet) -> None:
        super().__init__()
        self.net = net

    def forward(self, luma: Tensor) -> tuple[Tensor, Tensor]:
        return self.net.features(luma), self.net.alpha(luma).log()


def golden_lumas(multiple: int = 4) -> dict[str, NDArray[np.float32]]:
    """Synthetic pictures: noise of several scales, a step, a flat one; two sizes, one batch of 2;
    padded to a multiple, of 4 at least.
    """
    rng = np.random.default_rng(20)
    noise = rng.random((2, 1, 24, 32))
    smooth = gaussian_filter(rng.normal(size=(1, 1, 48, 60)), (0, 0, 5, 5))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    step = np.where(np.arange(40) < 17, 0.2, 0.8) * np.ones((1, 1, 32, 1))
    cases = {"noise": noise, "smooth": smooth, "step": step, "flat": np.full((1, 1, 8, 12), 0.5)}
    padded = {}
    for name, luma in cases.items():
        missing = [(0, -side % multiple) for side in luma.shape[2:]]
        padded[name] = np.pad(luma, [(0, 0), (0, 0), *missing], mode="edge").astype(np.float32)
    return padded


def bundle_weights(opened: Bundle) -> dict[str, Tensor]:
    """The network's weights out of a bundle, to go on training from what is shipped."""
    named = {
        f"features.bfe.{name}" if name.startswith("encoder.") else name: value
        for name, value in weights(opened).items()
    }
    return {**named, "log_sigma": torch.tensor(opened.parameter("sigma")).log()}


def bundled_network(opened: Bundle) -> LGANet:
    """The network that a bundle holds, in evaluation mode."""
    net = LGANet(LGAConfig.from_dict(opened.parameter("network")))
    net.load_state_dict(bundle_weights(opened))
    return net.eval().requires_grad_(False)


def specification(net: LGANet) -> BundleSpec:
    """The graph of a network in evaluation mode; its weights are rounded to float16."""
    round_weights(net)
    graph = GraphSpec(
        "affinity", AffinityGraph(net).eval(), {"luma": MAP},
        {"features": {}, "log_alpha": {}}, TOLERANCE,
    )  # fmt: skip
    lumas = {
        case: torch.from_numpy(luma) for case, luma in golden_lumas(net.config.multiple).items()
    }
    origin = ""
    if net.config.encoder:
        origin = (
            f"encoder: EfficientNet-{net.config.encoder.capitalize()} (Google, Apache-2.0), "
            "trained on ImageNet, calmed on the same photos; what lies on it began with DISCO's "
            "decoder"
        )
    return BundleSpec(
        "lga",
        [graph],
        {"affinity": {"luma": torch.rand(2, 1, 64, 96)}},
        {case: {"affinity": {"luma": luma}} for case, luma in lumas.items()},
        {
            "sigma": net.sigma.item(),
            "phi": net.config.phi,
            "global_step": net.config.global_step,
            "local_edges": net.config.local_edges,
            "multiple": net.config.multiple,
            "network": net.config.to_dict(),
        },
        {"height": net.config.multiple, "width": net.config.multiple},
        origin=origin,
    )


def from_checkpoint(path: Path, state: Mapping[str, Any]) -> BundleSpec:
    """Of a checkpoint of `train lga`."""
    return specification(load_average(path)[0])
