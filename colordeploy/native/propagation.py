"""Colour propagation: affinities, the Laplacian system and its solution.

Solves ``(M + alpha L + phi L_adj) x = M y`` (LGA-Net, Eqs. 1 to 5). ``L = D - W`` is the weighted
Laplacian of a graph with 8-neighbour edges and a clique over global points, which lie at rows and
columns ``global_step // 2, global_step // 2 + global_step, ...``; an edge that is both local and
global has the sum of both weights. ``L_adj`` is the Laplacian of the 8-neighbour graph with unit
weights. ``M`` marks the scribbled pixels.

The factorization never subtracts (see ``csrc/propagation/factor.hpp``), so the error in ``x`` is
of the order of the machine precision for every contrast of weights, also in regions that hang on
by ``phi`` alone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import BackendError, InputError, SolverError
from . import _core

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["Affinities", "Propagator", "propagate"]

_F64 = NDArray[np.float64]
_SMALLEST_SIGMA = 1e-100
# (dy, dx) of the four planes of Affinities.local; csrc/propagation/graph.hpp has the same.
_DIRECTIONS = ((0, 1), (1, -1), (1, 0), (1, 1))


@lru_cache(maxsize=8)
def _plan(height: int, width: int, global_step: int) -> _core.Plan:
    """Elimination order and index lists; they depend on the size alone."""
    return _core.Plan(height, width, global_step)


def _number(name: str, value: Any, *, positive: bool) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number, not {value!r}") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        allowed = "a finite number above 0" if positive else "a finite number of at least 0"
        raise InputError(f"{name} must be {allowed}, not {number}")
    return number


def _step(global_step: Any) -> int:
    if isinstance(global_step, bool) or not isinstance(global_step, (int, np.integer)):
        raise InputError(f"global_step must be an integer, not {global_step!r}")
    if global_step < 0 or global_step >= 2**31:
        raise InputError(
            f"global_step must be at least 1, or 0 for no global points, not {global_step}"
        )
    return int(global_step)


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} is no array: its rows differ in length") from None


def _finite_array(name: str, values: ArrayLike, axes: str) -> _F64:
    """Check an array of the given axes ("HWC") and return it as contiguous float64."""
    array = _array(name, values)
    if array.ndim != len(axes):
        raise InputError(
            f"{name} must have {len(axes)} axes ({', '.join(axes)}), not shape {array.shape}"
        )
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    if array.size == 0:
        raise InputError(f"{name} is empty: shape {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; replace them first")
    return array


def _require_cpu(device: str) -> None:
    if device != "cpu":
        raise BackendError(
            f"device {device!r} is not available in this build of the compiled core; use "
            "device='cpu'"
        )


def _frozen(array: NDArray[Any]) -> _F64:
    """Contiguous float64 that nobody can change any more: the caller's arrays are copied."""
    result = np.ascontiguousarray(array, dtype=np.float64)
    if result.flags.writeable or result.base is not None:
        result = result.copy()
        result.flags.writeable = False
    return result


@dataclass(frozen=True)
class Affinities:
    """Edge weights of a propagation graph.

    Attributes
    ----------
    local : (4, H, W) float64
        Weight of the edge from each pixel to its neighbour to the right, below left, below and
        below right; 0 where that neighbour is outside the picture.
    global_ : (G * (G - 1) // 2,) float64
        Weights of the clique over the G global points (raster order), as the packed strict lower
        triangle: pair (i, j), i > j, is at ``i * (i - 1) // 2 + j``.
    global_step : int
        Spacing of the global points; 0 means that there are none.
    """

    local: _F64
    global_: _F64
    global_step: int = 12

    def __post_init__(self) -> None:
        local = _finite_array("local affinities", self.local, "DHW")
        step = _step(self.global_step)
        if local.shape[0] != len(_DIRECTIONS):
            raise InputError(f"local affinities must have 4 planes, not {local.shape[0]}")
        points = len(_plan(local.shape[1], local.shape[2], step).global_pixels)
        packed = _array("global affinities", self.global_)
        if packed.dtype.kind not in "fiu":
            raise InputError(f"global affinities must hold real numbers, not {packed.dtype}")
        if packed.shape != (points * (points - 1) // 2,):
            raise InputError(
                f"a {local.shape[1]}x{local.shape[2]} picture with global_step {step} has "
                f"{points} global points, so {points * (points - 1) // 2} global affinities; "
                f"got shape {packed.shape}"
            )
        if not np.isfinite(packed).all() or (packed < 0).any() or (local < 0).any():
            raise InputError("affinities must be finite and not negative")
        object.__setattr__(self, "local", _frozen(local))
        object.__setattr__(self, "global_", _frozen(packed))
        object.__setattr__(self, "global_step", step)

    @classmethod
    def from_features(
        cls,
        features: ArrayLike,
        *,
        sigma: float,
        global_step: int = 12,
        local: bool = True,
    ) -> Affinities:
        """Gaussian affinities of pixel features (LGA-Net, Eq. 1).

        Parameters
        ----------
        features : (H, W, C) real
        sigma : float
            Width of the Gaussian, above 0, in units of the features.
        global_step : int
            Spacing of the global points in pixels; 0 for none (the ablation R_GP).
        local : bool
            False drops the 8-neighbour affinities (the ablation R_AP); ``phi`` still ties
            neighbours.

        Raises
        ------
        InputError
            For NaN, wrong shapes or numbers out of range.
        """
        array = _finite_array("features", features, "HWC")
        sigma = _number("sigma", sigma, positive=True)
        if sigma < _SMALLEST_SIGMA:
            raise InputError(f"sigma must be at least {_SMALLEST_SIGMA:g}, not {sigma}")
        step = _step(global_step)
        height, width, _ = array.shape
        plan = _plan(height, width, step)
        _require_memory(plan, height, width)
        with _memory_named(height, width):
            near = (
                _core.local_affinities(plan, array, sigma)
                if local
                else np.zeros((len(_DIRECTIONS), height, width))
            )
            distant = _core.global_affinities(plan, array, sigma)
            near.flags.writeable = distant.flags.writeable = False  # so they need no copy
            return cls(near, distant, step)


def _require_memory(plan: _core.Plan, height: int, width: int) -> None:
    """Refuse what cannot fit: the operating system would rather kill the process than say no."""
    points = len(plan.global_pixels)
    needed = 8 * (plan.factor_size + points * (points - 1) // 2 + 8 * height * width)
    try:
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not everywhere
        return
    if needed > present:
        raise SolverError(
            f"solving for {height}x{width} pixels with {points} global points takes about "
            f"{needed / 2**30:.1f} GiB, more than the {present / 2**30:.1f} GiB of this machine; "
            "use a smaller working size or a larger global_step"
        )


@contextmanager
def _memory_named(height: int, width: int) -> Iterator[None]:
    """Turn running out of memory into an error that names the picture's size."""
    try:
        yield
    except MemoryError as error:
        raise SolverError(
            f"out of memory while solving for {height}x{width} pixels; use a smaller working "
            "size or a larger global_step"
        ) from error


class Propagator:
    """The propagation system of one picture: affinities once, then as many scribble sets as wanted.

    Parameters
    ----------
    features : (H, W, C) real, or Affinities
        Pixel features, from which the affinities are computed, or ready-made affinities (then
        ``sigma`` and ``global_step`` must be left out).
    sigma : float
        Width of the Gaussian of Eq. 1, above 0.
    alpha : float
        Weight of the Laplacian term of Eq. 2, at least 0.
    phi : float
        Weight of the unit 8-neighbour Laplacian of Eq. 4, at least 0.
    global_step : int
        Spacing of the global points in pixels; 0 for none.
    device : str
        "cpu".

    Notes
    -----
    The last factorization is kept: solving again with the same mask (other colours on the same
    scribbles) costs two triangular solves only. Safe to use from several threads.
    """

    def __init__(
        self,
        features: ArrayLike | Affinities,
        *,
        sigma: float | None = None,
        alpha: float,
        phi: float = 1e-8,
        global_step: int | None = None,
        device: str = "cpu",
    ) -> None:
        _require_cpu(device)
        if isinstance(features, Affinities):
            if sigma is not None or global_step is not None:
                raise InputError("sigma and global_step are already part of the affinities given")
            self._affinities = features
        else:
            if sigma is None:
                raise InputError("sigma is needed to turn features into affinities")
            self._affinities = Affinities.from_features(
                features, sigma=sigma, global_step=12 if global_step is None else global_step
            )
        self._alpha = _number("alpha", alpha, positive=False)
        self._phi = _number("phi", phi, positive=False)
        _, self._height, self._width = self._affinities.local.shape
        self._plan = _plan(self._height, self._width, self._affinities.global_step)
        _require_memory(self._plan, self._height, self._width)
        self._last: tuple[NDArray[np.uint8], _core.Factor] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._height, self._width

    @property
    def affinities(self) -> Affinities:
        """The edge weights."""
        return self._affinities

    def solve(self, mask: ArrayLike, values: ArrayLike) -> _F64:
        """Propagate the values of the marked pixels over the picture.

        Parameters
        ----------
        mask : (H, W) bool
            Marked (scribbled) pixels, at least one.
        values : (H, W, K) real
            What is propagated; only the marked pixels count, but all must be finite.

        Returns
        -------
        (H, W, K) float64
            The solution x of Eq. 5, the caller's own memory.

        Raises
        ------
        InputError
            For NaN, wrong shapes, or a mask without a mark.
        SolverError
            When the system is singular (possible with ``phi = 0`` only) or does not fit into
            memory.
        """
        marks = self._marks(mask)
        array = _finite_array("values", values, "HWK")
        if array.shape[:2] != self.shape:
            raise InputError(
                f"values must be {self._height}x{self._width} like the features, not "
                f"{array.shape[0]}x{array.shape[1]}"
            )
        with _memory_named(self._height, self._width):
            rhs = np.where(marks[:, :, None] != 0, array, 0.0)
            return self._factor(marks).solve(np.ascontiguousarray(rhs))

    def adjoint(self, mask: ArrayLike, gradient: ArrayLike) -> _F64:
        """Solve ``A z = gradient``, the adjoint system (A is symmetric).

        With ``gradient = dloss/dx`` the derivative by the values is ``M z``; see `gradients` for
        the rest. Uses the factorization of the last `solve` with the same mask.

        Parameters
        ----------
        mask : (H, W) bool
        gradient : (H, W, K) real
        """
        marks = self._marks(mask)
        array = _finite_array("gradient", gradient, "HWK")
        if array.shape[:2] != self.shape:
            raise InputError(f"gradient must be {self.shape}, not {array.shape[:2]}")
        with _memory_named(self._height, self._width):
            return self._factor(marks).solve(array)

    def gradients(
        self, features: ArrayLike, sigma: float, x: ArrayLike, adjoint: ArrayLike
    ) -> tuple[_F64, float, float]:
        """Derivatives of a loss by what the system was built from.

        Parameters
        ----------
        features : (H, W, C) real
        sigma : float
            The features and the width that the affinities were computed from.
        x, adjoint : (H, W, K) real
            Results of `solve` and of `adjoint`.

        Returns
        -------
        features : (H, W, C) float64
        sigma, alpha : float
        """
        arrays = [
            _finite_array("features", features, "HWC"),
            _finite_array("x", x, "HWK"),
            _finite_array("adjoint", adjoint, "HWK"),
        ]
        if any(array.shape[:2] != self.shape for array in arrays) or (
            arrays[1].shape != arrays[2].shape
        ):
            raise InputError(
                f"features, x and adjoint must be {self._height}x{self._width}, x and adjoint of "
                f"one shape; got {', '.join(str(array.shape) for array in arrays)}"
            )
        return _core.affinity_gradient(
            self._plan,
            arrays[0],
            _number("sigma", sigma, positive=True),
            self._alpha,
            self._affinities.local,
            self._affinities.global_,
            arrays[1],
            arrays[2],
        )

    def matrix(self, mask: ArrayLike) -> scipy.sparse.csr_matrix:
        """Return the system matrix ``M + alpha L + phi L_adj`` as (H*W, H*W) float64, for checking.

        Rows and columns are pixels in raster order. Built independently of the solver.
        """
        import scipy.sparse

        marks = self._marks(mask)
        count = self._height * self._width
        index = np.arange(count).reshape(self._height, self._width)
        heads, tails, weights = [], [], []
        for plane, (dy, dx) in zip(self._affinities.local, _DIRECTIONS, strict=True):
            rows = slice(0, max(self._height - dy, 0))
            columns = slice(max(-dx, 0), max(self._width - max(dx, 0), 0))
            head = index[rows, columns]
            heads.append(head.ravel())
            tails.append((head + dy * self._width + dx).ravel())
            weights.append(self._alpha * plane[rows, columns].ravel() + self._phi)
        points = self._plan.global_pixels
        i, j = np.tril_indices(len(points), -1)
        heads.append(points[i])
        tails.append(points[j])
        weights.append(self._alpha * self._affinities.global_)
        head, tail, weight = (np.concatenate(part) for part in (heads, tails, weights))
        w = scipy.sparse.coo_matrix((weight, (head, tail)), shape=(count, count)).tocsr()
        w = w + w.T
        diagonal = marks.ravel() + np.asarray(w.sum(axis=1)).ravel()
        return scipy.sparse.csr_matrix(scipy.sparse.diags(diagonal, format="csr") - w)

    def _marks(self, mask: ArrayLike) -> NDArray[np.uint8]:
        array = _array("mask", mask)
        if array.dtype != np.bool_:
            raise InputError(f"mask must be boolean, not {array.dtype}")
        if array.shape != self.shape:
            raise InputError(
                f"mask must be {self._height}x{self._width} like the features, not shape "
                f"{array.shape}"
            )
        if not array.any():
            raise InputError("mask marks no pixel: there is no colour to propagate")
        return np.array(array, dtype=np.uint8, order="C")

    def _factor(self, marks: NDArray[np.uint8]) -> _core.Factor:
        last = self._last  # read once: another thread may replace it
        if last is not None and np.array_equal(last[0], marks):
            return last[1]
        try:
            factor = _core.factorize(
                self._plan,
                self._affinities.local,
                self._affinities.global_,
                self._alpha,
                self._phi,
                marks,
            )
        except _core.SingularSystem as error:
            raise SolverError(str(error)) from None
        self._last = (marks, factor)
        return factor


def propagate(
    features: ArrayLike,
    mask: ArrayLike,
    values: ArrayLike,
    *,
    sigma: float,
    alpha: float,
    phi: float = 1e-8,
    global_step: int = 12,
    device: str = "cpu",
) -> _F64:
    """Propagate the values of marked pixels along the affinities of features.

    Parameters
    ----------
    features : (H, W, C) float32 (or any real type)
    mask : (H, W) bool
        Marked pixels, at least one.
    values : (H, W, K) float
    sigma, alpha, phi, global_step, device
        See `Propagator`.

    Returns
    -------
    (H, W, K) float64
        x with ``(M + alpha L + phi L_adj) x = M values``.

    Raises
    ------
    InputError
        For NaN, wrong shapes, numbers out of range, or a mask without a mark.
    SolverError
        When the system is singular (with ``phi = 0`` only) or does not fit into memory.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((8, 8), bool)
    >>> mask[2, 3] = True
    >>> x = propagate(np.zeros((8, 8, 1)), mask, np.full((8, 8, 1), 0.25), sigma=1.0, alpha=1.0)
    >>> bool(np.allclose(x, 0.25))
    True
    """
    return Propagator(
        features, sigma=sigma, alpha=alpha, phi=phi, global_step=global_step, device=device
    ).solve(mask, values)
