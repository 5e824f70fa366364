"""RefineNet: from spread tokens and the gray picture to pixel-wise chroma (Sec. 4.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .backbone import conv, spectral_conv


class _First(nn.Sequential):
    def forward(self, gray: Tensor, spread: Tensor) -> Tensor:
        return super().forward(torch.cat([gray, spread], dim=1))


class SplitFirst(nn.Module):
    """The same as two convolutions of gray and of the tokens, for inference: together they are one
    channel too many for the runtimes' kernels.
    """

    def __init__(self, joined: _First) -> None:
        super().__init__()
        first = joined[0]
        assert isinstance(first, nn.Conv2d)
        self.gray = nn.Conv2d(1, first.out_channels, 3, padding=1, bias=False)
        self.tokens = conv(first.in_channels - 1, first.out_channels)
        with torch.no_grad():
            self.gray.weight.copy_(first.weight[:, :1])
            self.tokens.weight.copy_(first.weight[:, 1:])
            self.tokens.bias.copy_(first.bias)

    def forward(self, gray: Tensor, spread: Tensor) -> Tensor:
        return torch.relu(self.tokens(spread) + self.gray(gray))


class _Input(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inConv: nn.Module = _First(conv(inputs, outputs), nn.ReLU())
        self.conv = nn.Sequential(conv(outputs, outputs), nn.ReLU(), nn.BatchNorm2d(outputs))

    def split(self) -> None:
        """Make the first convolution two, see `SplitFirst`."""
        assert isinstance(self.inConv, _First)
        self.inConv = SplitFirst(self.inConv)

    def forward(self, gray: Tensor, spread: Tensor) -> Tensor:
        return self.conv(self.inConv(gray, spread))


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv(inputs, outputs, 2),
            nn.ReLU(),
            conv(outputs, outputs),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv(channels, channels),
            spectral_conv(channels, channels),
            nn.ReLU(),
            conv(channels, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.conv(x))


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.combine = conv(2 * outputs, outputs)
        self.conv2 = nn.Sequential(
            conv(outputs, outputs),
            nn.ReLU(),
            conv(outputs, outputs),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat([self.upsample(self.conv1(x)), skip], dim=1)
        return self.conv2(torch.relu(self.combine(x)))


class RefineNet(nn.Module):
    """Gray (B, 1, H, W) and spread tokens (B, C, H, W) to ab / 110 in (-1, 1), (B, 2, H, W)."""

    def __init__(self, tokens: int, width: int = 64, residuals: int = 3) -> None:
        super().__init__()
        self.inConv = _Input(1 + tokens, width)
        self.down1 = _Down(width, 2 * width)
        self.down2 = _Down(2 * width, 4 * width)
        self.residual = nn.ModuleList(_Residual(4 * width) for _ in range(residuals))
        self.up2 = _Up(4 * width, 2 * width)
        self.up1 = _Up(2 * width, width)
        self.outConv = conv(width, 2)

    def forward(self, gray: Tensor, spread: Tensor) -> Tensor:
        full = self.inConv(gray, spread)
        half = self.down1(full)
        x = self.down2(half)
        for block in self.residual:
            x = block(x)
        x = self.up1(self.up2(x, half), full)
        return torch.tanh(self.outConv(x))
