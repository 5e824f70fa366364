"""RASC's generator: encoder, style code, decoder of region-modulation blocks (Sec. III)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import regions

RegionUse = Literal["formulated", "map", "none"]
REGION_USES: tuple[RegionUse, ...] = ("formulated", "map", "none")


@dataclass(frozen=True)
class RascConfig:
    """Shape of RASC. The paper gives no channel counts; the defaults keep a bundle below 16 MB.

    Attributes
    ----------
    widths : tuple of int
        Channels of the encoder's and the decoder's blocks from full size down, each half the size
        of the one before (M = N = their number).
    style : int
        Length of the style code w.
    hidden : int
        Of the MLP that predicts it.
    regions : str
        "formulated": the paper's. For Table II, "map": the region map is a second input channel,
        and the encoder's features are joined to the decoder's instead of being modulated; "none":
        the same without the map.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 192, 256)
    style: int = 64
    hidden: int = 256
    regions: RegionUse = "formulated"

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of it."""
        return 2 ** (len(self.widths) - 1)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "widths": list(self.widths)}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> RascConfig:
        return RascConfig(**{**values, "widths": tuple(values["widths"])})


class Sketch(NamedTuple):
    """What depends on the drawing alone.

    Attributes
    ----------
    features : list of (B, C, h, w)
        X^e, from full size down; none negative.
    style : (B, style)
        Predicted w, of unit mean square.
    """

    features: list[Tensor]
    style: Tensor


def normalized(style: Tensor) -> Tensor:
    """Style codes (B, n) of unit mean square: those of N(0, 1) nearly are, predicted ones are made
    so, and the decoder sees no others.
    """
    return style * torch.rsqrt(style.square().mean(dim=1, keepdim=True) + 1e-8)


def pseudo_color(labels: Tensor) -> Tensor:
    """A region map as one channel (B, 1, H, W) in [-1, 1): neighbouring labels are far apart."""
    golden = labels.to(torch.float32) * 0.6180339887
    return (2.0 * (golden - torch.floor(golden)) - 1.0).unsqueeze(1)


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.relu(x + self.second(x))


class StyledConv(nn.Module):
    """A 3x3 convolution whose weights the style scales by input channel, then normalizes by output
    channel (Karras et al. 2020). Done on input and output, which is the same: no batch needs
    weights of its own.
    """

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = nn.Linear(style, inputs)
        nn.init.ones_(self.scale.bias)
        nn.init.normal_(self.scale.weight, std=style**-0.5)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale = self.scale(style)  # (B, inputs)
        energy = scale.square() @ self.weight.square().sum(dim=(2, 3)).T
        norm = torch.rsqrt(energy + 1e-8)
        x = functional.conv2d(x * scale[:, :, None, None], self.weight.to(x.dtype), padding=1)
        return functional.leaky_relu(x * norm[:, :, None, None] + self.bias[:, None, None], 0.2)


class _Modulation(nn.Module):
    """The RM block (Eq. 1), or for the ablations a plain joining of features."""

    def __init__(self, inputs: int, width: int, style: int, formulated: bool) -> None:
        super().__init__()
        self.conv = StyledConv(inputs, width, style)
        self.correlation = regions.Correlation(width) if formulated else None
        self.join = None if formulated else nn.Conv2d(2 * width, width, 3, padding=1)

    def forward(
        self, x: Tensor, style: Tensor, features: Tensor, patterns: Tensor | None
    ) -> Tensor:
        x = self.conv(x, style)
        if self.join is not None:
            return functional.leaky_relu(self.join(torch.cat([x, features], dim=1)), 0.2)
        assert patterns is not None
        return patterns * (features + x)


class Rasc(nn.Module):
    """Line is (B, 1, H, W) in [-1, 1], lines dark; H and W are multiples of `config.multiple`."""

    def __init__(self, config: RascConfig) -> None:
        super().__init__()
        self.config = config
        formulated = config.regions == "formulated"
        inputs = 2 if config.regions == "map" else 1
        encoder, decoder = [], []
        for level, width in enumerate(config.widths):
            encoder.append(_Down(inputs, width, 1 if level == 0 else 2))
            inputs = width
        for width in reversed(config.widths):
            decoder.append(_Modulation(inputs, width, config.style, formulated))
            inputs = width
        self.encoder = nn.ModuleList(encoder)
        self.decoder = nn.ModuleList(decoder)
        self.style = nn.Sequential(
            nn.Linear(config.widths[-1], config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.style),
        )
        self.to_rgb = nn.Conv2d(config.widths[0], 3, 1)

    def encode(self, line: Tensor, labels: Tensor | None = None) -> Sketch:
        """Features and predicted style; `labels` (B, H, W) only for `regions` = "map"."""
        x = line
        if self.config.regions == "map":
            assert labels is not None
            x = torch.cat([line, pseudo_color(labels)], dim=1)
        features = []
        for block in self.encoder:
            x = block(x)
            features.append(x)
        return Sketch(features, normalized(self.style(x.float().mean(dim=(2, 3)))))

    def correlate(self, aggregated: list[Tensor], present: Tensor) -> list[Tensor]:
        """Patterns (B, K, C) of each scale, from full size down, from `aggregate`'s."""
        return [
            block.correlation(x, present)
            for block, x in zip(reversed(self.decoder), aggregated, strict=True)
        ]

    def decode(self, features: list[Tensor], patterns: list[Tensor], style: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in about [-1, 1] from features and patterns (B, C, h, w) of each scale,
        from full size down; patterns are left out without regions.
        """
        style = normalized(style)
        x = features[-1]
        for i, block in enumerate(self.decoder):
            level = len(features) - 1 - i
            if i > 0:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(x, style, features[level], patterns[level] if patterns else None)
        return self.to_rgb(x)

    def patterns(self, features: list[Tensor], labels: Tensor, count: int) -> list[Tensor]:
        """Region formulation of every scale, broadcast: (B, C, h, w) each, none without regions.

        Parameters
        ----------
        labels : (B, H, W) int64
        count : int
            More than any label; labels that do not occur in a picture are no regions of it.
        """
        if self.config.regions != "formulated":
            return []
        batch = labels.shape[0]
        present = torch.zeros(batch, count)
        present.scatter_(1, labels.flatten(1), 1.0)
        scales = [regions.shrink_labels(labels, 2**i) for i in range(len(features))]
        aggregated = [
            regions.aggregate(x, scale, count) for x, scale in zip(features, scales, strict=True)
        ]
        return [
            regions.broadcast(pattern, scale)
            for pattern, scale in zip(self.correlate(aggregated, present), scales, strict=True)
        ]

    def forward(self, line: Tensor, labels: Tensor, style: Tensor | None = None) -> Tensor:
        """Colour drawings whole; `style` (B, style), by default the predicted one."""
        sketch = self.encode(line, labels)
        count = int(labels.max()) + 1
        patterns = self.patterns(sketch.features, labels, count)
        return self.decode(sketch.features, patterns, sketch.style if style is None else style)
