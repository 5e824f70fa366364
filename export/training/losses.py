"""LGA-Net's losses (Sec. 3.3.1), as means over the N pixels instead of sums.

They compare colours as offsets of R, G and B from the luma, which both pictures share: for the
differences of Eqs. 6 and 7 that is the same as comparing RGB, and the total variation of Eq. 8 then
sees the chroma only and not the (fixed) luma.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from colordeploy.pictures.color import CHROMA_TO_RGB


@dataclass(frozen=True)
class LossWeights:
    """Weights of Eq. 9; the defaults are the paper's (Sec. 4.1).

    Attributes
    ----------
    log_mse : float
        Not in the paper: the natural logarithm of each picture's mean squared error, averaged over
        the pictures. It is the PSNR that the paper reports, as a loss: an error in a picture that
        is nearly right weighs as much as one in a picture that is all wrong.
    """

    l1: float = 1.0
    laplacian_pyramid: float = 1.5
    total_variation: float = 25.0
    log_mse: float = 0.0


def rgb_offset(chroma: Tensor) -> Tensor:
    """(B, 2, H, W) UV to (B, 3, H, W) offsets of R, G, B from the luma."""
    matrix = torch.tensor(CHROMA_TO_RGB, dtype=chroma.dtype)
    return torch.einsum("bkhw,kc->bchw", chroma, matrix)


def _blur(x: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=x.dtype) / 16.0
    channels = x.shape[1]
    padded = functional.pad(x, (2, 2, 2, 2), mode="reflect")
    row = taps.view(1, 1, 1, 5).expand(channels, 1, 1, 5)
    column = taps.view(1, 1, 5, 1).expand(channels, 1, 5, 1)
    return functional.conv2d(
        functional.conv2d(padded, row, groups=channels), column, groups=channels
    )


def laplacian_pyramid(difference: Tensor, levels: int = 4) -> Tensor:
    """``sum_p 2^(2p) |L^p| / N`` of a difference (a pyramid is linear), low-pass level included."""
    batch, _, height, width = difference.shape
    total = difference.new_zeros(())
    current = difference
    for level in range(levels):
        if min(current.shape[2:]) < 6:
            break
        low = _blur(current)[:, :, ::2, ::2]
        up = functional.interpolate(low, size=current.shape[2:], mode="bilinear")
        total = total + 4.0**level * (current - up).abs().sum()
        current = low
    else:
        level += 1
    total = total + 4.0**level * current.abs().sum()
    return total / (batch * height * width)


def total_variation(x: Tensor) -> Tensor:
    """Eq. 8 over the four neighbours, each pair once, over N."""
    batch, _, height, width = x.shape
    vertical = (x[:, :, 1:] - x[:, :, :-1]).square().sum()
    horizontal = (x[:, :, :, 1:] - x[:, :, :, :-1]).square().sum()
    return (vertical + horizontal) / (batch * height * width)


def coloring_loss(
    predicted: Tensor, target: Tensor, weights: LossWeights
) -> tuple[Tensor, dict[str, float]]:
    """Total loss (Eq. 9) of predicted against true chroma, both (B, 2, H, W), and its parts."""
    predicted, target = rgb_offset(predicted), rgb_offset(target)
    difference = predicted - target
    batch, _, height, width = difference.shape
    parts = {
        "l1": difference.abs().sum() / (batch * height * width),
        "laplacian_pyramid": laplacian_pyramid(difference),
        "total_variation": total_variation(predicted),
        "log_mse": (difference.square().mean(dim=(1, 2, 3)) + 1e-6).log().mean(),
    }
    total = sum(
        (getattr(weights, name) * value for name, value in parts.items()), difference.new_zeros(())
    )
    values = {name: float(value.detach()) for name, value in parts.items()}
    values["mse"] = float(difference.detach().square().mean())
    return total, values
