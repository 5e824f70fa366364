"""DISCO whole, in the two halves that are run apart: analysis of the picture, and generation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from colordeploy.pictures.color import AB_BINS

from . import superpixels
from .backbone import Backbone
from .enhancement import RefineNet
from .superpixels import SPixNet
from .transformer import Transformer

AB_SCALE = 110.0  # networks work on ab / 110 and (L - 50) / 50


@dataclass(frozen=True)
class DiscoConfig:
    """Shape of DISCO; the defaults are the paper's.

    Attributes
    ----------
    cell : int
        S, side of a superpixel's grid cell in pixels; H and W must be multiples of it.
    superpixel_width, backbone_width, refine_width : int
        Channels at full size of the three convolutional networks.
    tokens : int
        Channels of a superpixel's feature.
    layers, heads, hidden : int
        Of each transformer.
    superpixels, anchors, refinement : bool
        False leaves that part out, for the ablations of Table 4: mini-patches instead of
        superpixels; colours that do not know of anchors; the tokens' expected colours, spread to
        the pixels, instead of RefineNet's.
    """

    cell: int = 16
    superpixel_width: int = 16
    backbone_width: int = 64
    refine_width: int = 64
    tokens: int = 64
    layers: int = 6
    heads: int = 8
    hidden: int = 256
    superpixels: bool = True
    anchors: bool = True
    refinement: bool = True

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Analysis(NamedTuple):
    """What depends on the picture alone.

    Attributes
    ----------
    association : (B, 9, H, W)
    tokens : (B, C, h, w)
        Features pooled per superpixel.
    color_features : (B, C, h, w)
        What anchors are located on.
    logits : (B, 313, h, w)
        Of the colour bins.
    sizes : (B, 1, h, w)
        Pixels of each superpixel, in cells.
    """

    association: Tensor
    tokens: Tensor
    color_features: Tensor
    logits: Tensor
    sizes: Tensor


class Disco(nn.Module):
    """Gray is (L - 50) / 50, (B, 1, H, W)."""

    bins: Tensor

    def __init__(self, config: DiscoConfig) -> None:
        super().__init__()
        self.config = config
        count = len(AB_BINS)
        self.segnet = SPixNet(config.superpixel_width)
        self.repnet = Backbone(config.backbone_width, config.tokens)
        stack = (config.tokens, config.layers, config.heads, config.hidden)
        self.wildpath = Transformer(*stack)
        self.hintpath = Transformer(*stack)
        self.mid_word_prj = nn.Linear(config.tokens, count, bias=False)
        self.trg_word_emb = nn.Linear(config.tokens + count + 1, config.tokens, bias=False)
        self.trg_word_prj = nn.Linear(config.tokens, count, bias=False)
        self.enhanceNet = RefineNet(config.tokens, config.refine_width)
        self.register_buffer("bins", torch.tensor(AB_BINS, dtype=torch.float32), persistent=False)

    def associate(self, gray: Tensor) -> Tensor:
        """Association map (B, 9, H, W)."""
        if self.config.superpixels:
            return self.segnet(gray)
        return superpixels.patches(gray)

    def analyze(self, gray: Tensor) -> Analysis:
        association = self.associate(gray)
        tokens, _ = superpixels.pool(self.repnet(gray), association, self.config.cell)
        color_features = self.wildpath(tokens)
        logits = self.color_logits(color_features)
        sizes = superpixels.sizes(association, self.config.cell)
        return Analysis(association, tokens, color_features, logits, sizes)

    def color_logits(self, color_features: Tensor) -> Tensor:
        """(B, 313, h, w): the colour bins as the modeler sees them (Eq. 4)."""
        return _per_token(self.mid_word_prj, color_features)

    def nearest_bins(self, colors: Tensor) -> Tensor:
        """Index (B, h, w) of the bin nearest to each colour (B, 2, h, w) in ab units."""
        flat = colors.permute(0, 2, 3, 1)
        distance = self.bins.square().sum(dim=1) - 2.0 * (flat @ self.bins.T)
        return distance.argmin(dim=3)

    def guide(self, tokens: Tensor, mask: Tensor, colors: Tensor) -> Tensor:
        """Tokens (B, C, h, w) that know of the anchors: mask (B, 1, h, w), colors (B, 2, h, w).

        Colours are in ab units and quantised to the nearest bin; outside of the mask they do not
        count.
        """
        if not self.config.anchors:
            mask = mask * 0.0
        index = torch.arange(len(AB_BINS), device=tokens.device)
        chosen = (self.nearest_bins(colors).unsqueeze(1) == index[:, None, None]).to(tokens.dtype)
        hinted = torch.cat([tokens, chosen * mask, mask], dim=1)
        return self.hintpath(_per_token(self.trg_word_emb, hinted))

    def refine(self, gray: Tensor, association: Tensor, guided: Tensor) -> Tensor:
        """Chroma (B, 2, H, W) in ab units."""
        if not self.config.refinement:
            probabilities = torch.softmax(self.refined_logits(guided), dim=1).permute(0, 2, 3, 1)
            expected = (probabilities @ self.bins).permute(0, 3, 1, 2)
            return superpixels.spread(expected, association, self.config.cell)
        spread = superpixels.spread(guided, association, self.config.cell)
        return AB_SCALE * self.enhanceNet(gray, spread)

    def generate(
        self, gray: Tensor, association: Tensor, tokens: Tensor, mask: Tensor, colors: Tensor
    ) -> Tensor:
        """Chroma (B, 2, H, W) in ab units, with the anchors given."""
        return self.refine(gray, association, self.guide(tokens, mask, colors))

    def refined_logits(self, guided: Tensor) -> Tensor:
        """(B, 313, h, w): the colour bins as the generator sees them, for its loss (Eq. 5)."""
        return _per_token(self.trg_word_prj, guided)


def _per_token(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer to the channels of a map."""
    return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
