"""The perceptual loss of Eq. 5: features of VGG-19, on weights that the user brings.

The file is torchvision's state dict of ``vgg19`` (``features.<i>.weight`` and ``.bias``), saved
with ``torch.save``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from colordeploy.color import XYZ_TO_LINEAR_RGB

# Convolutions up to conv5_1 by their place in the state dict; None halves the picture.
_LAYERS = (0, 2, None, 5, 7, None, 10, 12, 14, 16, None, 19, 21, 23, 25, None, 28)
# conv1_1 to conv5_1. The paper gives no weights; these grow with depth, as is usual.
_TAPPED = {0: 1 / 32, 5: 1 / 16, 10: 1 / 8, 19: 1 / 4, 28: 1.0}
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def rgb_of(gray: Tensor, ab: Tensor) -> Tensor:
    """SRGB (B, 3, H, W), not clipped, of (L - 50) / 50 and ab units; differentiable everywhere."""
    y = (50 * gray + 50 + 16) / 116
    roots = torch.cat([y + ab[:, :1] / 500, y, y - ab[:, 1:] / 200], dim=1)
    xyz = torch.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * (3 * (6 / 29) ** 2))
    matrix = torch.as_tensor(XYZ_TO_LINEAR_RGB, dtype=ab.dtype)
    linear = torch.einsum("bkhw,ck->bchw", xyz, matrix)
    above = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, above)


class VggLoss:
    """Weighted L1 distance of the features of two pictures that share their lightness."""

    def __init__(self, weights: Path) -> None:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        try:
            self._layers = {
                i: (state[f"features.{i}.weight"], state[f"features.{i}.bias"])
                for i in _LAYERS
                if i is not None
            }
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{weights}: {error} is missing; give the state dict of torchvision's vgg19"
            ) from None

    def __call__(self, gray: Tensor, ab: Tensor, truth: Tensor) -> Tensor:
        """Of (B, 1, H, W) gray and two (B, 2, H, W) chromas in ab units."""
        total = ab.new_zeros(())
        with torch.no_grad():
            wanted = dict(self._features(rgb_of(gray, truth)))
        for layer, features in self._features(rgb_of(gray, ab)):
            total = total + _TAPPED[layer] * (features - wanted[layer]).abs().mean()
        return total

    def _features(self, rgb: Tensor) -> Iterator[tuple[int, Tensor]]:
        x = (rgb - _MEAN) / _STD
        for layer in _LAYERS:
            if layer is None:
                x = functional.max_pool2d(x, 2)
                continue
            x = functional.conv2d(x, *self._layers[layer], padding=1)
            if layer in _TAPPED:
                yield layer, x
            x = functional.relu(x)
