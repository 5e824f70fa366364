"""Checks of what callers pass to the core, each with an error that says what to do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .resources import processors

__all__ = [
    "any_array",
    "finite_array",
    "finite_number",
    "sigma_of",
    "step_of",
    "thread_count",
    "whole_number",
]

# More take turns at the few large fronts rather than to speed them up.
_MAXIMUM_THREADS = 8
_MAXIMUM_ASKED = 64  # each takes working memory of its own
_SMALLEST_SIGMA = 1e-100


def finite_number(name: str, value: Any, *, positive: bool) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number, not {value!r}") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        allowed = "a finite number above 0" if positive else "a finite number of at least 0"
        raise InputError(f"{name} must be {allowed}, not {number}")
    return number


def whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    return int(value)


def step_of(global_step: Any) -> int:
    if isinstance(global_step, bool) or not isinstance(global_step, (int, np.integer)):
        raise InputError(f"global_step must be an integer, not {global_step!r}")
    if global_step < 0 or global_step >= 2**31:
        raise InputError(
            f"global_step must be at least 1, or 0 for no global points, not {global_step}"
        )
    return int(global_step)


def any_array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} is no array: its rows differ in length") from None


def thread_count(threads: Any) -> int:
    """Threads to use: as many as asked for, 64 at most, or as this process may, eight at most."""
    if threads is None:
        return min(processors(), _MAXIMUM_THREADS)
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InputError(f"threads must be a whole number of at least 1, or None; not {threads!r}")
    return min(int(threads), _MAXIMUM_ASKED)


def finite_array(name: str, values: ArrayLike, axes: str, *, single: bool = False) -> NDArray[Any]:
    """Check an array of the given axes ("HWC") and return it as contiguous, aligned float64.

    With `single`, float32 stays float32.
    """
    array = any_array(name, values)
    if array.ndim != len(axes):
        raise InputError(
            f"{name} must have {len(axes)} axes ({', '.join(axes)}), not shape {array.shape}"
        )
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    if array.size == 0:
        raise InputError(f"{name} is empty: shape {array.shape}")
    keep = single and array.dtype == np.float32
    array = np.require(array, np.float32 if keep else np.float64, ["C", "A"])
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; replace them first")
    return array


def sigma_of(sigma: Any) -> float:
    """Width of the Gaussian."""
    number = finite_number("sigma", sigma, positive=True)
    if number < _SMALLEST_SIGMA:
        raise InputError(f"sigma must be at least {_SMALLEST_SIGMA:g}, not {number}")
    return number
