"""Perceptual losses (DISCO Eq. 5, RASC Eq. 7): features of VGG-19, on weights the user brings.

The file is torchvision's state dict of ``vgg19`` (``features.<i>.weight`` and ``.bias``), saved
with ``torch.save``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from colordeploy.pictures.color import XYZ_TO_LINEAR_RGB

# Convolutions up to conv5_1 by their place in the state dict; None halves the picture.
_LAYERS = (0, 2, None, 5, 7, None, 10, 12, 14, 16, None, 19, 21, 23, 25, None, 28)
# conv1_1 to conv5_1. DISCO's paper gives no weights; these grow with depth, as is usual. RASC's
# sums them as they are.
DISCO_LAYERS = {0: 1 / 32, 5: 1 / 16, 10: 1 / 8, 19: 1 / 4, 28: 1.0}
RASC_LAYERS = dict.fromkeys(DISCO_LAYERS, 1.0)
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def rgb_of(gray: Tensor, ab: Tensor) -> Tensor:
    """SRGB (B, 3, H, W), not clipped, of (L - 50) / 50 and ab units; differentiable everywhere."""
    y = (50 * gray + 50 + 16) / 116
    roots = torch.cat([y + ab[:, :1] / 500, y, y - ab[:, 1:] / 200], dim=1)
    xyz = torch.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * (3 * (6 / 29) ** 2))
    matrix = torch.tensor(XYZ_TO_LINEAR_RGB, dtype=ab.dtype)
    linear = torch.einsum("bkhw,ck->bchw", xyz, matrix)
    above = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, above)


class VggLoss:
    """Weighted L1 distance of VGG-19's features of two RGB pictures (B, 3, H, W) in [0, 1].

    Parameters
    ----------
    weights : Path
    layers : mapping of place in the state dict to weight
    activated : bool
        After the ReLU (RASC's Eq. 7) instead of before it (DISCO's Eq. 5).
    """

    def __init__(
        self, weights: Path, layers: Mapping[int, float] = DISCO_LAYERS, *, activated: bool = False
    ) -> None:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        try:
            self._convolutions = {
                i: (state[f"features.{i}.weight"], state[f"features.{i}.bias"])
                for i in _LAYERS
                if i is not None
            }
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{weights}: {error} is missing; give the state dict of torchvision's vgg19"
            ) from None
        self._layers, self._activated = layers, activated

    def __call__(self, found: Tensor, truth: Tensor) -> Tensor:
        total = found.new_zeros(())
        with torch.no_grad():
            wanted = dict(self._features(truth))
        for layer, features in self._features(found):
            total = total + self._layers[layer] * (features - wanted[layer]).abs().mean()
        return total

    def _features(self, rgb: Tensor) -> Iterator[tuple[int, Tensor]]:
        x = (rgb - _MEAN) / _STD
        for layer in _LAYERS:
            if layer is None:
                x = functional.max_pool2d(x, 2)
                continue
            x = functional.conv2d(x, *self._convolutions[layer], padding=1)
            if layer in self._layers and not self._activated:
                yield layer, x
            x = functional.relu(x)
            if layer in self._layers and self._activated:
                yield layer, x
