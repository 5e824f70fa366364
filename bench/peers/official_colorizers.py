"""The official PyTorch pipelines of networks that people import, from a decoded photo to pixels.

Each takes (H, W, 3) uint8 RGB and gives the same, as its repository does: DDColor's
``ColorizationPipeline``, the steps of ``demo_release.py`` (Zhang et al.), and those of iColoriT's
demo with the network of its ``modeling.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["Pipeline", "ddcolor", "icolorit", "zhang"]

Pipeline = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def ddcolor(package: ModuleType, net: nn.Module, side: int) -> Pipeline:
    """DDColor's own pipeline, which is for BGR."""
    pipeline = package.ColorizationPipeline(net, input_size=side)
    return lambda rgb: pipeline.process(rgb[..., ::-1])[..., ::-1]


def zhang(util: ModuleType, net: nn.Module, side: int, hints: tuple[torch.Tensor, ...]) -> Pipeline:
    """Of ``demo_release.py``; `hints` are the network's further inputs, ready made."""

    @torch.no_grad()
    def colored(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        full, small = util.preprocess_img(rgb, HW=(side, side))
        picture = util.postprocess_tens(full, net(small, *hints))
        return (255 * picture.clip(0, 1) + 0.5).astype(np.uint8)

    return colored


def icolorit(net: nn.Module, side: int, mask: torch.Tensor, ab: NDArray[np.float32]) -> Pipeline:
    """Of the demo; `mask` is the network's, `ab` the hints' a and b (side, side, 2)."""
    import cv2
    from skimage import color

    @torch.no_grad()
    def colored(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = rgb.shape[:2]
        full = color.rgb2lab(rgb)[..., :1]
        small = color.rgb2lab(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_CUBIC))
        planes = np.concatenate([(small[..., :1] - 50) / 100, ab / 110], axis=2)
        given = torch.from_numpy(np.moveaxis(planes, -1, 0)[None].astype(np.float32))
        patches = net(given, mask)[0].numpy().reshape(side // 16, side // 16, 16, 16, 2)
        found = patches.swapaxes(1, 2).reshape(side, side, 2)
        found = 110 * cv2.resize(found, (width, height), interpolation=cv2.INTER_CUBIC)
        picture = color.lab2rgb(np.concatenate([full, found], axis=2))
        return (255 * picture.clip(0, 1)).astype(np.uint8)

    return colored
