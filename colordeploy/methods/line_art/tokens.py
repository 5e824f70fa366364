"""What a network is told of a drawing's regions, for its training and its bundles, too."""

from __future__ import annotations

from ...native.tokens import GEOMETRY, STRIDE, RegionTokens, region_places, region_tokens

__all__ = ["GEOMETRY", "STRIDE", "RegionTokens", "region_places", "region_tokens"]
