"""Colours for line art, one a region: a transformer over the regions on a pretrained encoder.

RASC's idea (features of each region, compared with those of all others, a style code) without its
decoder: what is asked for is a colour for each region, so each is a token, and a distribution over
a palette is its answer. Regions whose colour is known (hints) are tokens that say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from colordeploy.methods.line_art.tokens import GEOMETRY

from ..encoders.calm import CalmEncoder
from ..encoders.efficientnet_lite import EfficientNetLite, Version
from .network import normalized

TRAINED_SIDE = 256  # pixels of the archives' drawings
_RELATIONS = 6
_IMPROBABLE = 0.03  # of the most probable colour's share
_NEARLY_WHITE = 0.95
_NO_TOKEN = -1e4  # added to an attention weight


@dataclass(frozen=True)
class RegionalConfig:
    """Shape of the network.

    Attributes
    ----------
    encoder : str
        The pretrained encoder: "lite0" or "lite2".
    width, heads : int
        Of the transformer.
    describing, painting, reading : int
        Layers that depend on the drawing alone; that know style and hints, too; and those that read
        a style off the true colours in training.
    style : int
        Length of the style code.
    palette : int
        Number of colours.
    dropout, blinding : float
        In training: shares of a layer's outputs and of the encoder's features that are left out.
    sharpness : float
        The power that probabilities are raised to before colours are averaged: 1 is the mean,
        which is muddy, more is nearer the most probable colour. Of training: what is exported has
        `export.bundling.regional.SHARPNESS` instead.
    """

    encoder: Version = "lite0"
    width: int = 128
    heads: int = 4
    describing: int = 2
    painting: int = 2
    reading: int = 1
    style: int = 64
    palette: int = 160
    dropout: float = 0.1
    blinding: float = 0.2
    sharpness: float = 1.5

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Regions(NamedTuple):
    """Regions of drawings, padded to one number K; see `colordeploy.methods.line_art.tokens`.

    Attributes
    ----------
    geometry : (B, K, 14)
    borders : (B, K, K)
    present : (B, K)
        1, or 0 for padding.
    """

    geometry: Tensor
    borders: Tensor
    present: Tensor


class Described(NamedTuple):
    """What depends on the drawing alone.

    Attributes
    ----------
    tokens : (B, K, width)
    whole : (B, width)
        A token of the whole drawing.
    style : (B, style)
        Predicted, of unit mean square.
    """

    tokens: Tensor
    whole: Tensor
    style: Tensor


def relations(regions: Regions) -> Tensor:
    """What two regions are to each other, (B, 1 + K, 1 + K, 6): shares of the one's border with the
    other and back, whether they touch, distance, nearness, ratio of sizes; zeros for the token of
    the whole.
    """
    geometry, borders = regions.geometry, regions.borders
    middle, size = geometry[..., 2:4], geometry[..., 0]
    away = middle.unsqueeze(2) - middle.unsqueeze(1)
    square = away.square().sum(dim=3)
    found = torch.stack(
        [
            borders,
            borders.transpose(1, 2),
            (borders > 0).to(borders.dtype),
            torch.sqrt(square + 1e-6),
            torch.exp(-8 * square),
            (size.unsqueeze(2) - size.unsqueeze(1)).abs(),
        ],
        dim=3,
    )
    return functional.pad(found, (0, 0, 1, 0, 1, 0))


class _Layer(nn.Module):
    """Attention with a bias from the regions' relations, and a perceptron of each token."""

    def __init__(self, config: RegionalConfig) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.before = nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.related = nn.Linear(_RELATIONS, config.heads)
        self.out = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )
        self.dropout = nn.Dropout(config.dropout)
        nn.init.zeros_(self.related.weight)
        nn.init.zeros_(self.related.bias)

    def forward(self, x: Tensor, related: Tensor, absent: Tensor) -> Tensor:
        mixed = self.mixed(self.before(x)).unflatten(2, (3, self.heads, -1))
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        weights = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        weights = weights + self.related(related).permute(0, 3, 1, 2) + absent
        found = torch.softmax(weights, dim=3) @ value
        x = x + self.dropout(self.out(found.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.perceptron(x))


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


class RegionalNetwork(nn.Module):
    """Line is (B, 1, H, W) in [-1, 1], lines dark, sides multiples of 32; colours are in [0, 1]."""

    def __init__(self, config: RegionalConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = CalmEncoder(config.encoder).requires_grad_(False)
        channels, width = self.encoder.channels, config.width
        self.register_buffer("pooled_mean", torch.zeros(sum(channels)))
        self.register_buffer("pooled_deviation", torch.ones(sum(channels)))
        self.register_buffer("whole_mean", torch.zeros(channels[-1]))
        self.register_buffer("whole_deviation", torch.ones(channels[-1]))
        self.register_buffer("palette", torch.rand(config.palette, 3))
        self.blinding = nn.Dropout(config.blinding)
        self.seen = nn.Linear(sum(channels), width)
        self.placed = _perceptron(GEOMETRY, 64, width)
        self.overall = nn.Linear(channels[-1], width)
        self.describing = self._layers(config.describing)
        self.style = nn.Sequential(nn.LayerNorm(width), _perceptron(width, width, config.style))
        self.styled = nn.Linear(config.style, 2 * width)
        self.hinted = _perceptron(4, 64, width)
        self.painting = self._layers(config.painting)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.palette))
        self.preferences = nn.Parameter(torch.zeros(config.palette, config.style))
        self.told = _perceptron(3, 64, width)
        self.reading = self._layers(config.reading)
        self.read = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * config.style))

    def _layers(self, count: int) -> nn.ModuleList:
        return nn.ModuleList(_Layer(self.config) for _ in range(count))

    def describe(self, pooled: Tensor, whole: Tensor, regions: Regions) -> Described:
        """Tokens of a drawing from its features (`pool`) and its regions."""
        seen = self.blinding((pooled - self.pooled_mean) / self.pooled_deviation)
        overall = self.blinding((whole - self.whole_mean) / self.whole_deviation)
        tokens = self.seen(seen) + self.placed(regions.geometry)
        x = torch.cat([self.overall(overall).unsqueeze(1), tokens], dim=1)
        x = _through(self.describing, x, regions)
        return Described(x[:, 1:], x[:, 0], normalized(self.style(x[:, 0])))

    def logits(
        self, described: Described, regions: Regions, style: Tensor, hints: Tensor, known: Tensor
    ) -> Tensor:
        """Logits (B, K, palette) of the regions' colours.

        Parameters
        ----------
        style : (B, style)
            Only its direction counts.
        hints : (B, K, 3)
            Colours of regions in [0, 1]; they count where `known` (B, K) is 1, not where it is 0.
        """
        whole, each = self.styled(normalized(style)).chunk(2, dim=1)
        flags = known.unsqueeze(2)
        told = self.hinted(torch.cat([(2 * hints - 1) * flags, flags], dim=2)) * flags
        x = torch.cat(
            [(described.whole + whole).unsqueeze(1), described.tokens + each.unsqueeze(1) + told],
            dim=1,
        )
        found: Tensor = self.head(_through(self.painting, x, regions)[:, 1:])
        # A style likes some colours better than the predicted one does, in all regions alike.
        liked = (normalized(style) - described.style) @ self.preferences.T
        return found + liked.unsqueeze(1)

    def colors(self, logits: Tensor) -> Tensor:
        """Colours (B, K, 3): means of the palette by sharpened probabilities, the improbable left
        out; white where they are nearly white, as paper is.
        """
        shares = torch.softmax(self.config.sharpness * logits, dim=2)
        shares = torch.relu(shares - _IMPROBABLE * shares.amax(dim=2, keepdim=True))
        found = (shares / shares.sum(dim=2, keepdim=True)) @ self.palette
        paper = (found.amin(dim=2, keepdim=True) > _NEARLY_WHITE).to(found.dtype)
        return found + paper * (1 - found)

    def posterior(
        self, described: Described, regions: Regions, colors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (B, style) each, of the style that true colours
        (B, K, 3) have.
        """
        x = torch.cat(
            [described.whole.unsqueeze(1), described.tokens + self.told(2 * colors - 1)], dim=1
        )
        mean, log_variance = self.read(_through(self.reading, x, regions)[:, 0]).chunk(2, dim=1)
        return mean, log_variance.clamp(-6, 3)


class LineEncoder(nn.Module):
    """The frozen encoder's features of lines (B, 1, H, W) in [-1, 1], at strides 4, 8, 16, 32."""

    def __init__(self, net: RegionalNetwork) -> None:
        super().__init__()
        self.encoder = net.encoder

    def forward(self, line: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.encoder((line + 1) / 2))


def pool(features: Sequence[Tensor], shares: Tensor) -> Tensor:
    """Mean of the features over each region, (B, K, C) with the strides side by side.

    Parameters
    ----------
    features : sequence of (B, c, h, w)
        At strides 4, 8, 16 and 32.
    shares : (B, K, h / 4, w / 4)
        Of each region's pixels in each cell of 4x4.
    """
    found = []
    for level, feature in enumerate(features):
        part = functional.avg_pool2d(shares, 2**level) * 4**level if level else shares
        found.append(part.flatten(2) @ feature.flatten(2).transpose(1, 2))
    return torch.cat(found, dim=2)


def _through(layers: nn.ModuleList, x: Tensor, regions: Regions) -> Tensor:
    related = relations(regions)
    absent = functional.pad((1 - regions.present) * _NO_TOKEN, (1, 0))[:, None, None]
    for layer in layers:
        x = layer(x, related, absent)
    return x


def untrained(config: RegionalConfig, published: EfficientNetLite) -> RegionalNetwork:
    """A network on an encoder of the published weights, nothing else trained."""
    net = RegionalNetwork(config)
    net.encoder.start_from(published)
    return net
