"""LGA-Net's networks (ICCV 2025, Sec. 3.3): CNN_F = BFEnet + non-local block, and CNN_alpha.

The paper gives the number of BFEnet's convolutions (seven) but neither widths, strides nor
dilations. Here: one convolution at full size finds edges; two strided ones lead to quarter size,
where three residual dilated ones see 120 pixels and more; the seventh, at full size again, joins
all three, so that what was blurred on the way up is sharp once more. All widths are parameters.

On a pretrained encoder (`LGAConfig.encoder`) quarter size is told what things are: the frozen
encoder's features, joined to a map at quarter size, are added before the dilated convolutions,
which are separable ones then (of each channel, then of all channels at each pixel).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .encoders.calm import CalmEncoder
from .encoders.efficientnet_lite import Version
from .encoders.trunk import MULTIPLE as ENCODED_MULTIPLE
from .encoders.trunk import STRIDE, Trunk, Widths
from .nonlocal_block import Kind, NonLocalBlock

_MULTIPLE = 4  # height and width of BFEnet's input must be multiples of this


@dataclass(frozen=True)
class LGAConfig:
    """Shape of LGA-Net.

    Attributes
    ----------
    widths : (int, int, int)
        Channels at full, half and quarter size.
    joined : int
        Channels of the seventh convolution, which the non-local block works on.
    dilations : tuple of int
        Dilations of the three quarter-size convolutions.
    features : int
        H, the channels of the feature map f of Eq. 1.
    nonlocal_kind : str or None
        Kind of the non-local block (Table 5); None leaves it out (R_NLB).
    global_step : int
        Spacing of the global points; 0 leaves them out (R_GP).
    local_edges : bool
        False leaves out the 8-neighbour affinities (R_AP).
    phi : float
        Weight of the unit 8-neighbour Laplacian.
    encoder : str or None
        The pretrained encoder that CNN_F stands on; None is the paper's BFEnet. With it there is
        no non-local block: what the whole picture shows enters at stride 32.
    trunk : (int, int, int, int)
        Channels at strides 32, 16, 8 and 4 between the encoder and full size.
    """

    widths: tuple[int, int, int] = (32, 96, 224)
    joined: int = 48
    dilations: tuple[int, int, int] = (2, 4, 8)
    features: int = 16
    nonlocal_kind: Kind | None = "dot"
    global_step: int = 12
    local_edges: bool = True
    phi: float = 1e-8
    encoder: Version | None = None
    trunk: Widths = (192, 160, 104, 72)

    @property
    def multiple(self) -> int:
        """Of which the sides of the input are."""
        return ENCODED_MULTIPLE if self.encoder else _MULTIPLE

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LGAConfig:
        values = dict(values)
        for name in {"widths", "dilations", "trunk"} & values.keys():
            values[name] = tuple(values[name])
        return cls(**values)


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of each pixel: no statistics over pictures or sizes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=1, keepdim=True)
        variance = (centred * centred).mean(dim=1, keepdim=True)
        return centred * torch.rsqrt(variance + 1e-5) * self.weight + self.bias


def _conv(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation)


def _activate(x: Tensor) -> Tensor:
    """Leaky: with plain ReLU a run at a learning rate of 1e-3 died, all features being equal."""
    return functional.leaky_relu(x, 0.1)


class BFEnet(nn.Module):
    """Basic feature extraction: seven 3x3 convolutions, the first and the last at full size.

    Luma (B, 1, H, W) to a map (B, joined, H, W).
    """

    def __init__(self, config: LGAConfig) -> None:
        super().__init__()
        full, half, quarter = config.widths
        self.conv1 = _conv(1, full)
        self.conv2 = _conv(full, half, stride=2)
        self.conv3 = _conv(half, quarter, stride=2)
        self.dilated = nn.ModuleList(_conv(quarter, quarter, dilation=d) for d in config.dilations)
        self.norms = nn.ModuleList(ChannelNorm(quarter) for _ in config.dilations)
        self.reduce_half = nn.Conv2d(half, full // 2, 1)
        self.reduce_quarter = nn.Conv2d(quarter, full, 1)
        self.conv7 = _conv(full + full // 2 + full, config.joined)

    def forward(self, luma: Tensor) -> Tensor:
        x1 = _activate(self.conv1(luma - 0.5))
        x2 = _activate(self.conv2(x1))
        x = self.conv3(x2)
        for norm, conv in zip(self.norms, self.dilated, strict=True):
            x = x + _activate(conv(norm(x)))
        half = functional.interpolate(self.reduce_half(x2), scale_factor=2.0, mode="bilinear")
        quarter = functional.interpolate(self.reduce_quarter(x), scale_factor=4.0, mode="bilinear")
        return _activate(self.conv7(torch.cat([quarter, half, x1], dim=1)))


class SeparableConv(nn.Sequential):
    """A dilated 3x3 convolution of each channel, then one of all channels at each pixel."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels),
            nn.Conv2d(channels, channels, 1),
        )


class EncodedFeatures(nn.Module):
    """BFEnet told by a frozen encoder what things are: luma (B, 1, H, W) to (B, joined, H, W)."""

    def __init__(self, config: LGAConfig) -> None:
        super().__init__()
        assert config.encoder is not None
        full, half, quarter = config.widths
        self.encoder = CalmEncoder(config.encoder).requires_grad_(False)
        self.trunk = Trunk(self.encoder.channels, config.trunk, normalized=False)
        for part in (self.trunk.deep, self.trunk.context, self.trunk.tokens, self.trunk.hinted):
            part.requires_grad_(False)  # they know what is there; the finer levels learn where
        self.conv1 = _conv(1, full)
        self.conv2 = _conv(full, half, stride=2)
        self.conv3 = _conv(half, quarter, stride=2)
        self.norm = ChannelNorm(config.trunk[3])
        self.told = nn.Conv2d(config.trunk[3], quarter, 1)
        self.dilated = nn.ModuleList(SeparableConv(quarter, d) for d in config.dilations)
        self.norms = nn.ModuleList(ChannelNorm(quarter) for _ in config.dilations)
        self.reduce_half = nn.Conv2d(half, full // 2, 1)
        self.reduce_quarter = nn.Conv2d(quarter, full, 1)
        self.conv7 = _conv(full + full // 2 + full, config.joined)

    def forward(self, luma: Tensor) -> Tensor:
        light = lightness(luma)
        with torch.no_grad():
            features = self.encoder(light)
        told = self.told(self.norm(self.trunk.joined(self.trunk.scene(light, features))))
        x1 = _activate(self.conv1(luma - 0.5))
        x2 = _activate(self.conv2(x1))
        x = self.conv3(x2) + told
        for norm, conv in zip(self.norms, self.dilated, strict=True):
            x = x + _activate(conv(norm(x)))
        up = [
            functional.interpolate(y, scale_factor=factor, mode="bilinear")
            for y, factor in ((self.reduce_quarter(x), float(STRIDE)), (self.reduce_half(x2), 2.0))
        ]
        return _activate(self.conv7(torch.cat([*up, x1], dim=1)))


def lightness(luma: Tensor) -> Tensor:
    """CIE L / 100 of a grey level in [0, 1], but for the few darkest ones."""
    return (1.16 * ((luma + 0.055) / 1.055).clamp(min=0.0) ** 0.8 - 0.16).clamp(min=0.0)


class FeatureNet(nn.Module):
    """CNN_F: luma (B, 1, H, W) in [0, 1] to features (B, features, H, W) of unit length.

    On the unit sphere |f_i - f_j|^2 is at most 4, so no affinity falls below exp(-2 / sigma^2).
    With free features all of them underflow early in training (measured: after 350 steps at a
    learning rate of 5e-4), and no gradient is left.
    """

    def __init__(self, config: LGAConfig) -> None:
        super().__init__()
        self.bfe = EncodedFeatures(config) if config.encoder else BFEnet(config)
        self.nonlocal_block = (
            NonLocalBlock(config.joined, config.nonlocal_kind)
            if config.nonlocal_kind and not config.encoder
            else nn.Identity()
        )
        self.project = nn.Conv2d(config.joined, config.features, 1)
        # A common direction to start from: all affinities near 1, to be learned apart.
        nn.init.constant_(self.project.bias, config.features**-0.5)

    def forward(self, luma: Tensor) -> Tensor:
        z = self.project(self.nonlocal_block(self.bfe(luma))).float()
        return z * torch.rsqrt((z * z).sum(dim=1, keepdim=True) + 1e-6)


class AlphaNet(nn.Module):
    """CNN_alpha: luma (B, 1, H, W) to the weight alpha (B,) of the Laplacian term.

    alpha lies within `bounds`, on a logarithmic scale. Left alone it falls until phi is no longer
    small beside it, and phi is meant to decide only where affinities say nothing.
    """

    def __init__(
        self, width: int = 16, bounds: tuple[float, float] = (1e-5, 10.0), initial: float = 1e-4
    ) -> None:
        super().__init__()
        self.conv1 = _conv(1, width, stride=2)
        self.conv2 = _conv(width, width, stride=2)
        self.out = nn.Linear(width, 1)
        self.low, self.high = math.log(bounds[0]), math.log(bounds[1])
        place = (math.log(initial) - self.low) / (self.high - self.low)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, math.log(place / (1 - place)))

    def forward(self, luma: Tensor) -> Tensor:
        x = _activate(self.conv1(luma - 0.5))
        x = _activate(self.conv2(x)).mean(dim=(2, 3))
        place = torch.sigmoid(self.out(x).squeeze(1))
        return torch.exp(self.low + (self.high - self.low) * place)


class LGANet(nn.Module):
    """Both networks and sigma: luma (B, 1, H, W) to features and alpha.

    H and W must be multiples of `LGAConfig.multiple`. sigma (Eq. 1) is learned too.
    """

    def __init__(self, config: LGAConfig) -> None:
        super().__init__()
        self.config = config
        self.features = FeatureNet(config)
        self.alpha = AlphaNet()
        self.log_sigma = nn.Parameter(torch.tensor(-2.3))  # sigma 0.1

    @property
    def sigma(self) -> Tensor:
        return self.log_sigma.clamp(-4.0, 1.0).exp()

    def forward(self, luma: Tensor) -> tuple[Tensor, Tensor]:
        return self.features(luma), self.alpha(luma)
