"""RASC's discriminator: convolutions, one number for each picture (Eq. 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Discriminator(nn.Module):
    """RGB (B, 3, H, W) in [-1, 1] to logits (B,), large for true pictures."""

    def __init__(self, width: int = 16, levels: int = 6, most: int = 192) -> None:
        super().__init__()
        widths = [min(width * 2**level, most) for level in range(levels)]
        self.first = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, padding=1)
            for a, b in zip(widths, widths[1:] + widths[-1:], strict=True)
        )
        # One more channel: how much the pictures of a batch differ (Karras et al. 2018).
        self.last = nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.score = nn.Linear(widths[-1], 1)

    def forward(self, rgb: Tensor) -> Tensor:
        x = functional.leaky_relu(self.first(rgb), 0.2)
        for layer in self.down:
            x = functional.leaky_relu(layer(x), 0.2)
        deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        extra = deviation.expand(x.shape[0], 1, *x.shape[2:])
        x = functional.leaky_relu(self.last(torch.cat([x, extra], dim=1)), 0.2)
        return self.score(x.mean(dim=(2, 3)))[:, 0]
