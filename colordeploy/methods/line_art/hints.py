"""Hints: dabs of colour in regions."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...native import Dabs, Owners

__all__ = ["RegionHints", "region_hints"]

_logger = logging.getLogger("colordeploy")

_SAME = 8  # levels: nearer colours in a region are one hint
_SPILL = 0.05  # of a dab: less of it in another region slipped over the line,
_COVERED = 0.25  # unless it is so much of that region
_MOST = 32  # hints of one region


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
    count = len(areas)
    under = labels.ravel()[dabs.pixels]
    open_pixels = np.bincount(dabs.dabs, under > 0)
    alone = open_pixels[dabs.dabs] == 0
    region = np.where(alone, covered.ravel()[dabs.pixels], under)
    kept = (region > 0) & ~_spilled(dabs, region, areas)
    pixels, region = dabs.pixels[kept], region[kept].astype(np.int64)
    red, green, blue = dabs.rgb[kept].astype(np.int64).T
    keys, place, pieces = np.unique(
        region << 24 | red << 16 | green << 8 | blue, return_inverse=True, return_counts=True
    )
    of_key = np.zeros(len(keys), np.int32)  # its owner's number within the region
    regions: list[int] = []
    colors: list[NDArray[np.int64]] = []
    counts = np.zeros(count, np.int32)
    levels = np.stack([keys >> 16 & 255, keys >> 8 & 255, keys & 255], axis=1)
    region_of_key = keys >> 24
    starts = np.flatnonzero(np.r_[True, region_of_key[1:] != region_of_key[:-1]][: len(keys)])
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        own: list[NDArray[np.int64]] = []
        for i in start + np.argsort(-pieces[start:end], kind="stable"):
            far = [int(np.abs(levels[i] - color).max()) for color in own]
            if far and (min(far) <= _SAME or len(own) == _MOST):
                of_key[i] = int(np.argmin(far))
            else:
                of_key[i] = len(own)
                own.append(levels[i])
        if len(own) == _MOST:
            _logger.warning("a region has %d hints or more: the most frequent are used", _MOST)
        counts[region_of_key[start]] = len(own)
        regions += [int(region_of_key[start])] * len(own)
        colors += own
    return RegionHints(
        Owners(counts, pixels, of_key[place]),
        np.array(regions, np.int32),
        np.array(colors, np.float32).reshape(-1, 3) / np.float32(255),
    )


def _spilled(dabs: Dabs, region: NDArray[np.int32], areas: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pixels of dabs slipped over a line into another region."""
    count = len(areas)
    pairs, place, pixels = np.unique(
        dabs.dabs.astype(np.int64) * count + region, return_inverse=True, return_counts=True
    )
    whole = np.bincount(dabs.dabs, region > 0)[pairs // count]
    small = (pixels < _SPILL * whole) & (pixels < _COVERED * areas[pairs % count])
    return np.asarray(small[place])
