"""Colour propagation: affinities, the Laplacian system and its solution.

Solves ``(M + alpha L + phi L_adj) x = M y`` (LGA-Net, Eqs. 1 to 5). ``L = D - W`` is the weighted
Laplacian of a graph with 8-neighbour edges and a clique over global points, which lie at rows and
columns ``global_step // 2, global_step // 2 + global_step, ...``; an edge that is both local and
global has the sum of both weights. ``L_adj`` is the Laplacian of the 8-neighbour graph with unit
weights. ``M`` marks the scribbled pixels.

The factorization never subtracts (see ``csrc/propagation/elimination.hpp``), so the error in
``x`` is of the order of the machine precision for every contrast of weights, also in regions that
are joined to others by ``phi`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..device_array import DeviceArray, DeviceView, SupportsCudaArray, is_device_array
from ..errors import BackendError, InputError
from . import _core
from .affinities import Affinities
from .cancelling import Cancel
from .checks import (
    any_array,
    finite_array,
    finite_number,
    sigma_of,
    step_of,
    thread_count,
)
from .device import (
    SOLVERS,
    DeviceSystem,
    device_features,
    device_number,
    refuse_device,
    view_of,
)
from .host import HostSystem
from .limits import require_memory
from .matrix import system_matrix
from .plans import plan_of

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["Propagator", "propagate"]

_F64 = NDArray[np.float64]


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
    screening : float
        Weight s of the pull towards 0 of every pixel that is not marked, at least 0: solved is
        ``(M + s (I - M) + alpha L + phi L_adj) x = M y``, so that values fade with the distance
        from the marks (a screened Poisson equation). 0 is the system of the paper.
    device : str
        "cpu", "cuda" or "cuda:N". On a GPU all of the work is done there, and contiguous arrays in
        device memory are taken as they are (``__cuda_array_interface__``: CuPy, torch, pycuda).
    threads : int, optional
        Threads to use; by default as many as there are processors, eight at most. The result does
        not depend on it, to the last bit.
    solver : {"multifrontal", "cudss"}
        Method that factorizes on a GPU: our own, or NVIDIA's cuDSS (extra ``[cuda]``), which
        analyzes once for a size, factorizes all of it again after an edit, and subtracts, so that
        it is less exact where weights differ much.
    precision : {"double", "single"}
        Of the factor on the CPU. Nothing is ever subtracted, so that a factor in single precision
        gives x to about 1e-6 of the largest value, in half the memory and time; for gradients, and
        with ``phi`` below 1e-20, double precision is needed.
    cancel : CancelToken or CancelFlag, optional
        Stops the construction: `Cancelled`.

    Notes
    -----
    The last factorization is kept. Solving again with the same mask (other colours on the same
    scribbles) costs two triangular solves only; with another mask, only what a changed pixel
    changes is factorized again. Safe to use from several threads, which then take turns.
    """

    def __init__(
        self,
        features: ArrayLike | SupportsCudaArray | Affinities,
        *,
        sigma: float | None = None,
        alpha: float,
        phi: float = 1e-8,
        global_step: int | None = None,
        screening: float = 0.0,
        device: str = "cpu",
        threads: int | None = None,
        solver: str = "multifrontal",
        precision: str = "double",
        cancel: Cancel = None,
    ) -> None:
        number = device_number(device)
        _check_solver(solver, number)
        single = _is_single(precision, number)
        workers = thread_count(threads)
        self._alpha = finite_number("alpha", alpha, positive=False)
        self._phi = finite_number("phi", phi, positive=False)
        self._screening = finite_number("screening", screening, positive=False)
        source: Any = features
        given: Affinities | None = source if isinstance(source, Affinities) else None
        if given is not None and (sigma is not None or global_step is not None):
            raise InputError("sigma and global_step are already part of the affinities given")
        if given is None and sigma is None:
            raise InputError("sigma is needed to turn features into affinities")
        step = given.global_step if given else step_of(12 if global_step is None else global_step)
        self._system: HostSystem | DeviceSystem
        if number is None:
            refuse_device("features", source)
            made = given
            if made is None:
                array = finite_array("features", source, "HWC", single=True)
                width = sigma_of(sigma)
                require_memory(array.shape[0], array.shape[1], step, single=single)
                made = Affinities.computed(array, width, step, workers, cancel)
            else:
                require_memory(made.local.shape[1], made.local.shape[2], step, single=single)
            self._system = HostSystem(
                made, self._alpha, self._phi, self._screening, workers, single
            )
        else:
            width = 1.0 if given else sigma_of(sigma)
            self._system = DeviceSystem(
                number,
                given or device_features(source),
                width,
                self._alpha,
                self._phi,
                step,
                self._screening,
                solver,
            )
        self._height, self._width = self._system.shape
        self._device = "cpu" if number is None else f"cuda:{number}"
        self._step = step

    @property
    def device(self) -> str:
        """Where it solves: "cpu" or "cuda:N"."""
        return self._device

    @property
    def nbytes(self) -> int:
        """Memory that is held for this picture, on the host and on the device."""
        return self._system.nbytes()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._height, self._width

    @property
    def affinities(self) -> Affinities:
        """The edge weights, on the host."""
        return self._system.affinities()

    @overload
    def solve(self, mask: Any, values: SupportsCudaArray, cancel: Cancel = None) -> DeviceArray: ...
    @overload
    def solve(self, mask: Any, values: ArrayLike, cancel: Cancel = None) -> _F64: ...
    def solve(self, mask: Any, values: Any, cancel: Cancel = None) -> Any:
        """Propagate the values of the marked pixels over the picture.

        Parameters
        ----------
        mask : (H, W) bool
            Marked (scribbled) pixels, at least one.
        values : (H, W, K) real
            What is propagated; only the marked pixels count, but all must be finite.
        cancel : CancelToken or CancelFlag, optional
            Stops the work within milliseconds; on a GPU, which finishes what it was given, before
            it starts.

        On a GPU both may be arrays in device memory: mask as bool or uint8, values as float32 or
        float64, contiguous.

        Returns
        -------
        (H, W, K) float64
            The solution x of Eq. 5, the caller's own memory. In device memory when `values` is
            there, as a `colordeploy.device_array.DeviceArray`.

        Raises
        ------
        InputError
            For NaN, wrong shapes, or a mask without a mark.
        SolverError
            When the system is singular (possible with ``phi = 0`` only) or does not fit into
            memory.
        BackendError
            When the GPU fails.
        Cancelled
            When `cancel` was set before all is done; the next solve gives what it would have
            given without.
        """
        array = self._values("values", values)
        return self._system.solve(self._marks(mask), array, masked=True, cancel=cancel)

    @overload
    def adjoint(
        self, mask: Any, gradient: SupportsCudaArray, cancel: Cancel = None
    ) -> DeviceArray: ...
    @overload
    def adjoint(self, mask: Any, gradient: ArrayLike, cancel: Cancel = None) -> _F64: ...
    def adjoint(self, mask: Any, gradient: Any, cancel: Cancel = None) -> Any:
        """Solve ``A z = gradient``, the adjoint system (A is symmetric).

        With ``gradient = dloss/dx`` the derivative by the values is ``M z``; see `gradients` for
        the rest. Uses the factorization of the last `solve` with the same mask.

        Parameters
        ----------
        mask : (H, W) bool
        gradient : (H, W, K) real
        cancel : CancelToken or CancelFlag, optional
        """
        array = self._values("gradient", gradient)
        return self._system.solve(self._marks(mask), array, masked=False, cancel=cancel)

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
            finite_array("features", features, "HWC"),
            finite_array("x", x, "HWK"),
            finite_array("adjoint", adjoint, "HWK"),
        ]
        if any(array.shape[:2] != self.shape for array in arrays) or (
            arrays[1].shape != arrays[2].shape
        ):
            raise InputError(
                f"features, x and adjoint must be {self._height}x{self._width}, x and adjoint of "
                f"one shape; got {', '.join(str(array.shape) for array in arrays)}"
            )
        affinities = self.affinities
        return _core.affinity_gradient(
            plan_of(self._height, self._width, self._step),
            arrays[0],
            finite_number("sigma", sigma, positive=True),
            self._alpha,
            affinities.local,
            affinities.global_,
            arrays[1],
            arrays[2],
        )

    def matrix(self, mask: ArrayLike) -> scipy.sparse.csr_matrix:
        """Return the matrix of the system as (H*W, H*W) float64, for checking.

        Rows and columns are pixels in raster order. Built independently of the solver.

        Raises
        ------
        BackendError
            Without SciPy, which nothing else here needs.
        """
        marks = self._host_marks(mask)
        return system_matrix(self.affinities, marks, self._alpha, self._phi, self._screening)

    def _marks(self, mask: Any) -> NDArray[np.uint8] | DeviceView:
        if is_device_array(mask):
            view = view_of("mask", self._system.taken("mask", mask), "HW", marks=True)
            self._require_shape("mask", view.shape)
            return view
        return self._host_marks(mask)

    def _host_marks(self, mask: Any) -> NDArray[np.uint8]:
        array = any_array("mask", mask)
        if array.dtype != np.bool_:
            raise InputError(f"mask must be boolean, not {array.dtype}")
        self._require_shape("mask", array.shape)
        if not array.any():
            raise InputError("mask marks no pixel: there is no colour to propagate")
        return np.array(array, dtype=np.uint8, order="C")

    def _values(self, name: str, values: Any) -> _F64 | DeviceView:
        if is_device_array(values):
            view = view_of(name, self._system.taken(name, values), "HWK")
            self._require_shape(name, view.shape[:2])
            return view
        array: _F64 = finite_array(name, values, "HWK")
        self._require_shape(name, array.shape[:2])
        return array

    def _require_shape(self, name: str, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            raise InputError(
                f"{name} must be {self._height}x{self._width} like the features, not {shape}"
            )


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
    threads: int | None = None,
    solver: str = "multifrontal",
    precision: str = "double",
    cancel: Cancel = None,
) -> _F64:
    """Propagate the values of marked pixels along the affinities of features.

    Parameters
    ----------
    features : (H, W, C) float32 (or any real type)
    mask : (H, W) bool
        Marked pixels, at least one.
    values : (H, W, K) float
    sigma, alpha, phi, global_step, device, threads, solver, precision
        See `Propagator`.
    cancel : CancelToken or CancelFlag, optional
        Stops the work within milliseconds, from any thread.

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
    Cancelled
        When `cancel` was set before all is done.

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
        features,
        sigma=sigma,
        alpha=alpha,
        phi=phi,
        global_step=global_step,
        device=device,
        threads=threads,
        solver=solver,
        precision=precision,
        cancel=cancel,
    ).solve(mask, values, cancel)


def _is_single(precision: str, number: int | None) -> bool:
    if precision not in ("double", "single"):
        raise InputError(f"precision must be 'double' or 'single', not {precision!r}")
    if precision == "single" and number is not None:
        raise BackendError("precision='single' solves on the CPU only; use device='cpu'")
    return precision == "single"


def _check_solver(solver: str, number: int | None) -> None:
    if solver not in SOLVERS:
        raise BackendError(f"unknown solver {solver!r}; use one of {', '.join(SOLVERS)}")
    if solver == "cudss" and number is None:
        raise BackendError("cuDSS solves on GPUs only; use device='cuda', or solver='multifrontal'")
