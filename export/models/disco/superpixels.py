"""Superpixels: SPixNet's soft association map, SP-Pooling and SP-Diffusion (Sec. 4.1).

A pixel of grid cell (i, j) belongs to the superpixels of that cell and of its eight neighbours,
with the nine probabilities of the association map in reading order. Pooling and diffusion are
matrix products over the pixels of a cell: no scatter, which TensorRT lacks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


def _norm_conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.1)
    )


class _AssociationNet(nn.Module):
    """Encoder and decoder over five scales; `width` channels at full size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        inputs = 1
        for level, outputs in enumerate(widths):
            setattr(self, f"conv{level}a", _norm_conv(inputs, outputs, 1 if level == 0 else 2))
            setattr(self, f"conv{level}b", _norm_conv(outputs, outputs))
            inputs = outputs
        for level in (3, 2, 1, 0):
            outputs = widths[level]
            setattr(self, f"deconv{level}", _up(2 * outputs, outputs))
            setattr(self, f"conv{level}_1", _norm_conv(2 * outputs, outputs))
        self.pred_mask0 = nn.Conv2d(width, len(NEIGHBOURS), 3, padding=1)

    def forward(self, gray: Tensor) -> Tensor:
        x, levels = gray, []
        for level in range(5):
            x = getattr(self, f"conv{level}b")(getattr(self, f"conv{level}a")(x))
            levels.append(x)
        for level in (3, 2, 1, 0):
            x = getattr(self, f"deconv{level}")(x)
            x = getattr(self, f"conv{level}_1")(torch.cat([levels[level], x], dim=1))
        logits = self.pred_mask0(x)
        # The softmax over nine channels written out: runtimes would bring each pixel's nine
        # together in memory first, which takes them longer.
        weights = torch.exp(logits - logits.amax(dim=1, keepdim=True))
        return weights / weights.sum(dim=1, keepdim=True)


class SPixNet(nn.Module):
    """Gray (B, 1, H, W) to the association map (B, 9, H, W), which sums to 1 over the nine."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.net = _AssociationNet(width)

    def forward(self, gray: Tensor) -> Tensor:
        return self.net(gray)


def patches(gray: Tensor) -> Tensor:
    """Association map (B, 9, H, W) of plain grid cells: each pixel belongs to its own (Table 4)."""
    own = torch.zeros(len(NEIGHBOURS), 1, 1, dtype=gray.dtype, device=gray.device)
    own[len(NEIGHBOURS) // 2] = 1.0
    return own + 0.0 * gray


def cells(x: Tensor, cell: int) -> Tensor:
    """(B, C, H, W) to the pixels of each cell: (B, h, w, C, cell * cell).

    Rows of a cell stay together in memory, which makes the copy a fast one.
    """
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // cell, cell, width // cell, cell)
    return x.permute(0, 2, 4, 1, 3, 5).flatten(4)


def from_cells(x: Tensor, cell: int) -> Tensor:
    """Back from `cells`."""
    batch, height, width, channels, _ = x.shape
    x = x.reshape(batch, height, width, channels, cell, cell).permute(0, 3, 1, 4, 2, 5)
    return x.reshape(batch, channels, height * cell, width * cell)


def _gather_from_cells(parts: Tensor) -> Tensor:
    """What the nine parts (B, h, w, 9, C) of each cell give to the superpixels: (B, C, h, w).

    Superpixels outside the picture get nothing.
    """
    height, width = parts.shape[1], parts.shape[2]
    padded = functional.pad(parts, (0, 0, 0, 0, 1, 1, 1, 1))
    total = torch.zeros_like(parts[:, :, :, 0])
    for k, (dy, dx) in enumerate(NEIGHBOURS):
        total = total + padded[:, 1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width, k]
    return total.permute(0, 3, 1, 2)


def pool(features: Tensor, association: Tensor, cell: int) -> tuple[Tensor, Tensor]:
    """SP-Pooling: the weighted mean of each superpixel.

    Parameters
    ----------
    features : (B, C, H, W)
    association : (B, 9, H, W)
    cell : int
        S, pixels of a grid cell's side; H and W are multiples of it.

    Returns
    -------
    tokens : (B, C, h, w)
    mass : (B, 1, h, w)
        Sum of each superpixel's weights, in cells.
    """
    weights = cells(association, cell)  # (B, h, w, 9, pixels)
    pixels = float(cell * cell)
    total = _gather_from_cells(weights @ cells(features, cell).transpose(3, 4) / pixels)
    mass = _gather_from_cells(weights.mean(dim=4, keepdim=True))
    return total / (mass + 1e-8), mass


def spread(tokens: Tensor, association: Tensor, cell: int) -> Tensor:
    """SP-Diffusion: each pixel gets the tokens (B, C, h, w) of its superpixels, weighted.

    Superpixels outside the picture count as zero.
    """
    height, width = tokens.shape[2:]
    padded = functional.pad(tokens, (1, 1, 1, 1))
    around = torch.stack(
        [padded[:, :, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in NEIGHBOURS],
        dim=-1,
    ).permute(0, 2, 3, 1, 4)  # (B, h, w, C, 9)
    return from_cells(around @ cells(association, cell), cell)


def sizes(association: Tensor, cell: int) -> Tensor:
    """(B, 1, h, w): pixels of which a superpixel is the most probable one, in cells.

    A pixel with several most probable superpixels counts for each of them.
    """
    winner = (association == association.amax(dim=1, keepdim=True)).to(association.dtype)
    return _gather_from_cells(cells(winner, cell).mean(dim=4, keepdim=True))
