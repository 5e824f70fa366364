"""From a frozen encoder's features to a map at stride 4: what decoders of photo models share.

Tokens of 16x16 pixels join strides 32 and 16 with what the whole picture shows; two levels more
join strides 8 and 4, the finest one also the lightness itself.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

CELL, MULTIPLE, STRIDE = 16, 32, 4  # pixels: of a token, of the sides, of an answer
Widths = tuple[int, int, int, int]


class Scene(NamedTuple):
    """What depends on the picture alone.

    Attributes
    ----------
    tokens : (B, C, h, w)
        At stride 16.
    middle : (B, C, 2h, 2w)
        The encoder's features at stride 8, normalized.
    fine : (B, C, 4h, 4w)
        Those at stride 4, and the lightness at stride 2 in four channels.
    """

    tokens: Tensor
    middle: Tensor
    fine: Tensor


def unit(inputs: int, outputs: int, kernel: int = 3, *, normalized: bool = True) -> nn.Sequential:
    """A convolution with a batch normalization behind it, or with a bias: as the folded one is."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=not normalized)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs)) if normalized else nn.Sequential(conv)


class Level(nn.Module):
    """Two convolutions, the second with a residual."""

    def __init__(self, inputs: int, outputs: int, *, normalized: bool = True) -> None:
        super().__init__()
        self.first = unit(inputs, outputs, normalized=normalized)
        self.second = unit(outputs, outputs, normalized=normalized)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        return functional.relu(x + self.second(x))


class Trunk(nn.Module):
    """Levels at strides 16 (twice), 8 and 4.

    Parameters
    ----------
    channels : (int, int, int, int)
        Of the encoder's features at strides 4, 8, 16 and 32.
    widths : (int, int, int, int)
        Channels at strides 32, 16, 8 and 4.
    guided : (int, int, int)
        Channels that guidance brings to the second level at stride 16, and to those at 8 and 4.
    normalized : bool
        With batch normalizations, for training from nothing; without, weights of a bundle, where
        they are folded in, go on.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        widths: Widths,
        guided: tuple[int, int, int] = (0, 0, 0),
        *,
        normalized: bool = True,
    ) -> None:
        super().__init__()
        deep, token, middle, fine = widths
        at4, at8, at16, at32 = channels
        for stride, count in zip((4, 8, 16, 32), channels, strict=True):
            self.register_buffer(f"mean_{stride}", torch.zeros(1, count, 1, 1))
            self.register_buffer(f"deviation_{stride}", torch.ones(1, count, 1, 1))
        self.deep = unit(at32, deep, 1, normalized=normalized)
        self.context = nn.Linear(at32, deep)
        self.tokens = Level(deep + at16, token, normalized=normalized)
        self.hinted = Level(token + guided[0], token, normalized=normalized)
        self.to_middle = nn.Conv2d(token, middle, 1)
        self.middle = Level(middle + at8 + guided[1], middle, normalized=normalized)
        self.to_fine = nn.Conv2d(middle, fine, 1)
        self.fine = Level(fine + at4 + 4 + guided[2], fine, normalized=normalized)

    def normal(self, features: list[Tensor]) -> list[Tensor]:
        """The encoder's features at strides 4, 8, 16 and 32, each channel of about unit spread."""
        return [
            (feature - getattr(self, f"mean_{stride}")) / getattr(self, f"deviation_{stride}")
            for stride, feature in zip((4, 8, 16, 32), features, strict=True)
        ]

    def scene(self, light: Tensor, features: list[Tensor]) -> Scene:
        """Tokens and details of a lightness (B, 1, H, W) in [0, 1] with its features."""
        at4, at8, at16, at32 = self.normal(features)
        context = self.context(at32.mean(dim=(2, 3)))[:, :, None, None]
        deep = functional.relu(self.deep(at32) + context)
        tokens = self.tokens(torch.cat([larger(deep, 2), at16], dim=1))
        half = functional.avg_pool2d(light * 2 - 1, 2)
        fine = torch.cat([at4, functional.pixel_unshuffle(half, 2)], dim=1)
        return Scene(tokens, at8, fine)

    def told(self, tokens: Tensor) -> Tensor:
        """Tokens that have heard the guidance, for a decoder that has more to do with them."""
        return tokens

    def joined(self, scene: Scene, *guidance: Tensor) -> Tensor:
        """The map (B, C, 4h, 4w) at stride 4.

        Parameters
        ----------
        guidance : up to three tensors
            For strides 16, 8 and 4, where `guided` has channels for it.
        """
        at16, at8, at4 = (*((g,) for g in guidance), *[()] * (3 - len(guidance)))
        x = self.told(self.hinted(torch.cat([scene.tokens, *at16], dim=1)))
        x = self.middle(torch.cat([larger(self.to_middle(x), 2), scene.middle, *at8], dim=1))
        return self.fine(torch.cat([larger(self.to_fine(x), 2), scene.fine, *at4], dim=1))


def larger(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
