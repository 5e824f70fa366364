"""Region formulation (Sec. III-B.3): aggregate per region, correlate the regions, broadcast.

Region maps are integer labels (B, H, W), 0 on lines: the lines are a region of their own. A region
that has no pixel at a coarse scale has a feature of zeros there, which nothing is broadcast from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def shrink_labels(labels: Tensor, factor: int) -> Tensor:
    """Nearest-neighbour labels (B, H / factor, W / factor): the pixel right below each middle."""
    return labels[:, factor // 2 :: factor, factor // 2 :: factor]


def aggregate(features: Tensor, labels: Tensor, count: int) -> Tensor:
    """Eq. 2: the largest value of each region and channel, (B, count, C).

    Parameters
    ----------
    features : (B, C, h, w)
        None negative, so that 0 outside of a region changes nothing.
    labels : (B, h, w) int64
        Below `count`.
    """
    batch, channels = features.shape[:2]
    index = labels.flatten(1).unsqueeze(1).expand(batch, channels, -1)
    empty = features.new_zeros(batch, channels, count)
    return empty.scatter_reduce(2, index, features.flatten(2), "amax").transpose(1, 2)


def broadcast(patterns: Tensor, labels: Tensor) -> Tensor:
    """Eq. 5: (B, K, C) patterns to the pixels of their regions, (B, C, h, w)."""
    batch, count, _ = patterns.shape
    offset = torch.arange(batch, device=labels.device).view(-1, 1, 1) * count
    return patterns.flatten(0, 1)[labels + offset].permute(0, 3, 1, 2)


class Correlation(nn.Module):
    """Eqs. 3 and 4: self-attention between the regions of a picture.

    The patterns multiply features (Eq. 1), so they start near 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels)
        with torch.no_grad():
            self.value.weight.mul_(0.3)
            self.value.bias.fill_(1.0)

    def forward(self, regions: Tensor, present: Tensor) -> Tensor:
        """Patterns (B, K, C) of regions (B, K, C); rows with present (B, K) = 0 are padding."""
        weights = self.query(regions) @ self.key(regions).transpose(1, 2)
        weights = weights * regions.shape[2] ** -0.5 + (present.unsqueeze(1) - 1.0) * 1e4
        return torch.softmax(weights, dim=2) @ self.value(regions)
