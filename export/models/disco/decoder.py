"""DISCO on a pretrained encoder: one decoder that answers without anchors and heeds them.

The encoder's features are turned into tokens, one for each cell of 16x16 pixels, which carry a
first guess of the colours (DISCO's colour modeler, Sec. 4.2). Anchors come in as colours of
tokens: each token looks at the anchors by learned likeness and nearness (an attention whose keys
are the anchors alone, and nothing when there is none), and a convolutional decoder over strides
16, 8 and 4 gives every place a distribution over the colour bins. Before and after the anchors,
tokens look at the whole picture (`SceneAttention`), so that one kind of thing gets one colour. Its
mean is the answer, shrunk where the distribution is wide: colour where the network is sure,
restraint where it is not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colordeploy.pictures.color import AB_BINS

from ..encoders.calm import CalmEncoder
from ..encoders.efficientnet_lite import Version
from ..encoders.trunk import CELL, STRIDE, Scene, Trunk, larger

_REACH = 20.0  # ab units: deviation of the bins that an anchor's colour makes probable
_AB = 110.0  # chroma's scale inside of the network


@dataclass(frozen=True)
class DecoderConfig:
    """Shape of the network.

    Attributes
    ----------
    encoder : str
        The published network whose shape the encoder has.
    widths : (int, int, int, int)
        Channels at strides 32, 16, 8 and 4.
    heads, keys : int
        Of the attention to anchors, and channels of each.
    context : (int, int)
        Blocks of `SceneAttention` before the anchors and after them.
    normalized : bool
        See `Trunk`.
    """

    encoder: Version = "lite0"
    widths: tuple[int, int, int, int] = (192, 160, 104, 72)
    heads: int = 4
    keys: int = 24
    context: tuple[int, int] = (0, 0)
    normalized: bool = True

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "widths": list(self.widths), "context": list(self.context)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DecoderConfig:
        lists = {name: tuple(values[name]) for name in ("widths", "context") if name in values}
        return cls(**{**values, **lists})


@dataclass(frozen=True)
class Restraint:
    """How much an uncertain answer is held back: the mean chroma times m / (m + c v), and that
    times 1 + h v / (m + v), which makes up for how dull means are; m is the mean's squared length,
    v the variance of its distribution. A sure answer stays as it is.

    Chosen after training (`export.evaluation.restraint`).

    Attributes
    ----------
    certainty : float
        c.
    lift : float
        h.
    """

    certainty: float = 0.2
    lift: float = 0.25


class AnchorAttention(nn.Module):
    """What each token hears of the anchors: their mean colour by likeness and nearness, and how
    far it heeds any, for each head.

    Every token can also heed nothing; without anchors all do, and the result is zero.
    """

    def __init__(self, channels: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(channels, heads * keys, 1)
        self.key = nn.Conv2d(channels, heads * keys, 1)
        self.nearness = nn.Parameter(torch.linspace(-1.0, 2.0, heads))
        self.nothing = nn.Parameter(torch.zeros(heads))

    def forward(self, tokens: Tensor, mask: Tensor, colors: Tensor) -> Tensor:
        height, width = tokens.shape[2:]

        def split(x: Tensor) -> Tensor:  # (B, heads, h w, keys)
            return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)

        query, key = split(self.query(tokens)), split(self.key(tokens))
        likeness = (query @ key.transpose(2, 3)) * query.shape[3] ** -0.5
        scores = likeness.float() - functional.softplus(self.nearness)[:, None, None] * _distances(
            height, width
        )
        chosen = mask.flatten(2)[:, :, None]  # (B, 1, 1, h w)
        weights = torch.exp(scores.clamp(-30, 30)) * chosen
        total = weights.sum(dim=3, keepdim=True) + torch.exp(self.nothing)[:, None, None]
        heard = torch.cat([colors, torch.ones_like(mask)], dim=1).flatten(2)[:, None]
        result = (weights / total) @ heard.transpose(2, 3)  # (B, heads, h w, 3)
        return result.transpose(2, 3).flatten(1, 2).unflatten(2, (height, width))


class SceneAttention(nn.Module):
    """What each token hears of the whole picture: attention by likeness and nearness to means of
    two by two tokens, then a layer for each token alone; both are added to it.

    Fresh blocks add nothing, so that a network without them goes on where it was.
    """

    def __init__(self, channels: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(channels, heads * keys, 1)
        self.key = nn.Conv2d(channels, heads * keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.told = nn.Conv2d(channels, channels, 1)
        self.nearness = nn.Parameter(torch.linspace(-4.0, 2.0, heads))
        self.hidden = nn.Conv2d(channels, 2 * channels, 1)
        self.out = nn.Conv2d(2 * channels, channels, 1)
        for last in (self.told, self.out):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, tokens: Tensor) -> Tensor:
        height, width = tokens.shape[2:]
        pooled = functional.avg_pool2d(tokens, 2)

        def split(x: Tensor) -> Tensor:  # (B, heads, h w, channels / heads)
            return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)

        query, key, value = (
            split(part) for part in (self.query(tokens), self.key(pooled), self.value(pooled))
        )
        likeness = (query @ key.transpose(2, 3)) * query.shape[3] ** -0.5
        far = functional.softplus(self.nearness)[:, None, None] * _distances(height, width, 2)
        weights = torch.softmax(likeness.float() - far, dim=3)
        heard = (weights.to(value.dtype) @ value).transpose(2, 3).flatten(1, 2)
        tokens = tokens + self.told(heard.unflatten(2, (height, width)))
        return tokens + self.out(functional.relu(self.hidden(tokens)))


def _distances(height: int, width: int, step: int = 1) -> Tensor:
    """(h w, h w / step^2): distances of cells to blocks of `step` by `step` cells, in eighths of
    16 cells, so that they do not depend on the picture's size.
    """
    rows, columns = _places(height, width, 1)
    other_rows, other_columns = _places(height // step, width // step, step)
    squares = (rows[:, None] - other_rows[None]).square()
    squares = squares + (columns[:, None] - other_columns[None]).square()
    return torch.sqrt(squares) / 2.0


def _places(height: int, width: int, step: int) -> tuple[Tensor, Tensor]:
    """Rows and columns (h w) of the middles of blocks, in cells."""
    middle = (step - 1) / 2
    rows = torch.arange(height, dtype=torch.float32)[:, None] * step + middle
    columns = torch.arange(width, dtype=torch.float32)[None] * step + middle
    return rows.expand(height, width).flatten(), columns.expand(height, width).flatten()


class Decoder(Trunk):
    """From the encoder's features to colours.

    Parameters
    ----------
    config : DecoderConfig
    channels : (int, int, int, int)
        Of the features at strides 4, 8, 16 and 32.
    restraint : Restraint
    """

    bins: Tensor
    moments: Tensor
    likely: Tensor

    def __init__(
        self, config: DecoderConfig, channels: tuple[int, ...], restraint: Restraint
    ) -> None:
        _, token, _, fine = config.widths
        super().__init__(
            channels, config.widths, (3 * config.heads + 3, 0, 0), normalized=config.normalized
        )
        self.config, self.restraint = config, restraint
        self.guess = nn.Conv2d(token, len(AB_BINS), 1)
        self.attention = AnchorAttention(token, config.heads, config.keys)
        shape = token, config.heads, config.keys
        self.before, self.after = (
            nn.Sequential(*(SceneAttention(*shape) for _ in range(blocks)))
            for blocks in config.context
        )
        self.head = nn.Conv2d(fine, len(AB_BINS), 1)
        self.heed = nn.Conv2d(fine, config.heads, 1)
        nn.init.constant_(self.heed.bias, -3.0)  # type: ignore[arg-type]
        bins = torch.tensor(AB_BINS, dtype=torch.float32)
        self.register_buffer("bins", bins, persistent=False)
        moments = torch.cat([bins, bins.square().sum(dim=1, keepdim=True)], dim=1).T
        self.register_buffer("moments", moments[:, :, None, None].contiguous(), persistent=False)
        # The logarithm of a Gaussian about (a, b) at the bins, but for a constant, is linear in
        # (a, b, 1).
        likely = torch.cat([bins * _AB, -0.5 * bins.square().sum(dim=1, keepdim=True)], dim=1)
        likely = (likely / _REACH**2)[:, :, None, None].contiguous()
        self.register_buffer("likely", likely, persistent=False)

    def scene(self, light: Tensor, features: list[Tensor]) -> Scene:
        found = super().scene(light, features)
        return found._replace(tokens=self.before(found.tokens))

    def told(self, tokens: Tensor) -> Tensor:
        return self.after(tokens)

    def guess_logits(self, tokens: Tensor) -> Tensor:
        """(B, bins, h, w): what the tokens alone say of their colours."""
        return self.guess(tokens)

    def details(self, scene: Scene, mask: Tensor, colors: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, 4h, 4w) that know of the anchors, and what was heard of them there.

        Anchors are a mask (B, 1, h, w) and colours (B, 2, h, w) in ab units, which do not count
        outside of the mask.
        """
        scale = colors / _AB * mask
        heard = self.attention(scene.tokens, mask, scale)
        fine = self.joined(scene, torch.cat([heard, scale, mask], dim=1))
        return fine, larger(heard, CELL // STRIDE)

    def logits(self, fine: Tensor, heard: Tensor) -> Tensor:
        """(B, bins, ...): the head's, and a Gaussian about each heard colour as far as the place
        heeds it.
        """
        heeded = functional.softplus(self.heed(fine))[:, :, None]
        told = (heeded * heard.unflatten(1, (self.config.heads, 3))).sum(dim=1)
        return self.head(fine) + functional.conv2d(told, self.likely)

    def answer(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Mean chroma (B, 2, ...) and variance (B, 1, ...) of distributions over the bins."""
        found = functional.conv2d(torch.softmax(logits, dim=1), self.moments)
        mean, square = found[:, :2], found[:, 2:]
        return mean, (square - mean.square().sum(dim=1, keepdim=True)).clamp(min=0.0)

    def restrained(self, logits: Tensor) -> Tensor:
        """Chroma in ab units, held back where the distribution is wide."""
        mean, variance = self.answer(logits)
        squared = mean.square().sum(dim=1, keepdim=True)
        held = squared / (squared + self.restraint.certainty * variance + 1e-3)
        lifted = 1.0 + self.restraint.lift * variance / (squared + variance + 1e-3)
        return mean * (held * lifted)


class AnchoredNetwork(nn.Module):
    """Encoder and decoder; lightness in [0, 1], sides multiples of 32."""

    def __init__(self, config: DecoderConfig, restraint: Restraint | None = None) -> None:
        super().__init__()
        self.config = config
        self.encoder = CalmEncoder(config.encoder).requires_grad_(False)
        self.decoder = Decoder(config, self.encoder.channels, restraint or Restraint())

    def scene(self, light: Tensor) -> Scene:
        return self.decoder.scene(light, self.encoder(light))

    def forward(self, light: Tensor, mask: Tensor, colors: Tensor) -> Tensor:
        """Chroma (B, 2, H / 4, W / 4) in ab units."""
        found = self.decoder.details(self.scene(light), mask, colors)
        return self.decoder.restrained(self.decoder.logits(*found))
