"""Hints: dabs of colour in regions."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...native import Dabs, Owners
from ...native import hints as core

__all__ = ["RegionHints", "region_hints"]

_logger = logging.getLogger("colordeploy")


@dataclass(frozen=True, eq=False)
class RegionHints:
    """What hints say of a drawing's regions.

    Attributes
    ----------
    owners : Owners
        The marks; an owner is a colour of its region.
    regions : (n,) int32
        Regions with a hint, ascending; a region with several is there as often.
    colors : (n, 3) float32
        Their colours in [0, 1], a region's in the order of its owners.
    """

    owners: Owners
    regions: NDArray[np.int32]
    colors: NDArray[np.float32]

    @property
    def divided(self) -> bool:
        """Whether any region has several colours."""
        return bool((self.owners.counts > 1).any())

    @cached_property
    def key(self) -> bytes:
        """Equal for hints that give equal pictures."""
        digest = hashlib.blake2b(self.regions.tobytes() + self.colors.tobytes(), digest_size=16)
        if self.divided:
            digest.update(self.owners.pixels.tobytes() + self.owners.owners.tobytes())
        return digest.digest()

    def palette(self, base: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours of all regions: a palette (count, 3), with the hints' in their rows, and rows
        for the parts of divided regions below them, in `RegionDivider`'s order.
        """
        first = np.r_[True, self.regions[1:] != self.regions[:-1]]
        result = np.concatenate([base, self.colors[~first]])
        result[self.regions[first]] = self.colors[first]
        return result

    def flags(self, count: int) -> NDArray[np.bool_]:
        """(count,): which regions have a hint."""
        hinted = np.zeros(count, bool)
        hinted[self.regions] = True
        return hinted


def region_hints(
    dabs: Dabs,
    labels: NDArray[np.int32],
    covered: NDArray[np.int32],
    areas: NDArray[np.int64],
) -> RegionHints:
    """Which regions the dabs hint at, and in which colours.

    A dab hints at every region that it lies in, save where a small part of it slipped over a line.
    Dabs of nearly one colour in a region are one hint, in the colour that most of it has.

    Parameters
    ----------
    dabs : Dabs
    labels, covered : (H, W) int32
        Regions with 0 on lines, and with lines given to regions; a dab on lines alone hints at
        these.
    areas : (count,) int
        Pixels of each label.
    """
    counts, pixels, owners, regions, colors, crowded = core.region_hints(
        dabs.pixels, dabs.rgb, dabs.dabs, labels, covered, areas
    )
    for _ in range(crowded):
        _logger.warning(
            "a region has %d hints or more: the most frequent are used", core.MOST_HINTS
        )
    return RegionHints(
        Owners(counts, pixels, owners), regions, colors.astype(np.float32) / np.float32(255)
    )
