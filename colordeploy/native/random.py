"""Normally distributed numbers of a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _core

__all__ = ["normal_numbers"]


def normal_numbers(seed: int, n: int) -> NDArray[np.float32]:
    """The same (n,) float32 as ``numpy.random.default_rng(seed).standard_normal(n)``; seed >= 0."""
    words = [seed >> shift & 0xFFFFFFFF for shift in range(0, max(1, seed.bit_length()), 32)]
    return _core.normal_numbers(words, n)
