"""Percentiles, spread and intervals, by stated rules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["PERCENTILES", "highest_percentile", "interval_of_ratio", "percentile", "variation"]

_ENOUGH = {50: 1, 90: 100, 95: 200, 99: 1000}
"""Samples that a percentile needs, so that ten lie above it."""
PERCENTILES = tuple(_ENOUGH)
_RESAMPLES = 2000


def percentile(samples: Sequence[int], p: int) -> int | None:
    """By nearest rank (no value that was not measured); None when there are too few samples:
    100 for the 90th, 200 for the 95th, 1,000 for the 99th.
    """
    if len(samples) < _ENOUGH[p]:
        return None
    return sorted(samples)[max(1, math.ceil(p / 100 * len(samples))) - 1]


def highest_percentile(count: int) -> int:
    """The highest of `PERCENTILES` that so many samples allow."""
    return max(p for p, enough in _ENOUGH.items() if enough <= max(count, 1))


def variation(samples: Sequence[int]) -> float:
    """Coefficient of variation: the standard deviation over the mean."""
    values = np.asarray(samples, np.float64)
    return float(values.std() / values.mean())


def interval_of_ratio(
    first: Sequence[int], second: Sequence[int], *, share: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """Ratio of the medians, second over first, with the bounds of a bootstrap interval.

    Parameters
    ----------
    share : float
        Of the resampled ratios that lie inside of the interval.
    """
    rng = np.random.default_rng(seed)

    def medians(samples: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = np.asarray(samples, np.float64)
        drawn = rng.integers(0, len(values), (_RESAMPLES, len(values)))
        return np.asarray(np.median(values[drawn], axis=1))

    ratios = medians(second) / medians(first)
    low, high = np.quantile(ratios, [(1 - share) / 2, (1 + share) / 2])
    return float(np.median(second) / np.median(first)), float(low), float(high)
