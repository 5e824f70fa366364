from __future__ import annotations

import numpy as np
import pytest

from colordeploy.bench.statistics import (
    highest_percentile,
    interval_of_ratio,
    percentile,
    variation,
)


def test_percentiles_by_nearest_rank():
    samples = list(range(1, 101))[::-1]
    assert percentile(samples, 50) == 50
    assert percentile(samples, 90) == 90
    assert percentile(samples, 99) is None  # of 100 samples that would be the last but one
    assert percentile(samples[:99], 90) is None
    assert percentile([7], 50) == 7
    assert percentile(list(range(200)), 95) == 189
    assert percentile(list(range(199)), 95) is None
    assert percentile([*range(1000)], 99) == 989


def test_the_percentile_that_samples_allow():
    assert [highest_percentile(n) for n in (0, 1, 99, 100, 200, 1000)] == [50, 50, 50, 90, 95, 99]


def test_variation():
    assert variation([5, 5, 5]) == 0
    assert variation([90, 110]) == pytest.approx(0.1)


def test_interval_holds_the_ratio():
    rng = np.random.default_rng(0)
    first = rng.normal(100, 5, 300).astype(int).tolist()
    second = rng.normal(120, 6, 300).astype(int).tolist()
    ratio, low, high = interval_of_ratio(first, second)
    assert low < 1.2 < high
    assert high - low < 0.04
    assert low <= ratio <= high
    assert interval_of_ratio(first, second) == (ratio, low, high)
    assert interval_of_ratio([5], [10]) == (2, 2, 2)
