"""LPIPS (Zhang et al. 2018), AlexNet version, on weights that the user brings.

The file is the state dict of ``lpips.LPIPS(net="alex")`` of the authors' package, saved with
``torch.save``: convolutions ``net.slice<i>.<j>``, linear layers ``lin<i>.model.1``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# (slice.index of the convolution, stride, padding, max-pooling before it)
_LAYERS = (
    ("1.0", 4, 2, False),
    ("2.3", 1, 2, True),
    ("3.6", 1, 1, True),
    ("4.8", 1, 1, False),
    ("5.10", 1, 1, False),
)
_SHIFT = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
_SCALE = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)


class Lpips:
    """Perceptual distance of two uint8 RGB pictures of one size."""

    def __init__(self, weights: Path) -> None:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        try:
            self._layers = [
                (
                    state[f"net.slice{name}.weight"],
                    state[f"net.slice{name}.bias"],
                    state[f"lin{i}.model.1.weight"],
                )
                for i, (name, *_) in enumerate(_LAYERS)
            ]
        except KeyError as error:
            raise ValueError(
                f"{weights}: {error} is missing; give the state dict of lpips.LPIPS(net='alex')"
            ) from None

    @torch.no_grad()
    def __call__(self, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
        total = 0.0
        for x, y, head in zip(self._maps(a), self._maps(b), self._heads(), strict=True):
            total += float(functional.conv2d((x - y).square(), head).mean())
        return total

    def _heads(self) -> list[Tensor]:
        return [head for _, _, head in self._layers]

    def _maps(self, picture: NDArray[np.uint8]) -> list[Tensor]:
        """Feature maps of the five layers, each pixel scaled to unit length."""
        x = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        x = (x - _SHIFT) / _SCALE
        maps = []
        for (_, stride, padding, pool), (weight, bias, _) in zip(
            _LAYERS, self._layers, strict=True
        ):
            if pool:
                x = functional.max_pool2d(x, 3, 2)
            x = functional.relu(functional.conv2d(x, weight, bias, stride, padding))
            maps.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return maps
