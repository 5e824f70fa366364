"""The solver on a GPU: arrays of device memory in and out, and what can go wrong there.

The module ``_cuda`` is loaded at first use: without it, and without a GPU, everything else works.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..device_array import DeviceArray, DeviceView, is_device_array
from ..device_array import view_of as any_view_of
from ..errors import BackendError, InputError, SolverError
from ..trace import current_recording
from .affinities import Affinities
from .cancelling import Cancel, stoppable
from .checks import finite_array
from .cudss import cudss_library
from .plans import plan_of

if TYPE_CHECKING:
    from ._cuda import DevicePlan, Solver

__all__ = [
    "SOLVERS",
    "DeviceSystem",
    "cuda_module",
    "device_features",
    "device_number",
    "drop_device_plans",
    "refuse_device",
    "solves_on_gpu",
    "view_of",
]

_PROCESS = os.getpid()  # in a fork of it CUDA does not start
_REMEDY = "install NVIDIA's driver, or a newer one"
SOLVERS = ("multifrontal", "cudss")
_DEVICE = re.compile(r"cuda(?::(\d+))?")
_REALS = (np.dtype(np.float32), np.dtype(np.float64))
_MARKS = (np.dtype(np.bool_), np.dtype(np.uint8))


def device_number(device: Any) -> int | None:
    """Number of the GPU that ``"cuda"`` or ``"cuda:N"`` names; None for "cpu".

    Raises
    ------
    BackendError
        For other names.
    """
    if device == "cpu":
        return None
    found = _DEVICE.fullmatch(device) if isinstance(device, str) else None
    if found is None:
        raise BackendError(f"unknown device {device!r}; use 'cpu', 'cuda' or 'cuda:N'")
    return int(found[1] or 0)


def cuda_module(number: int = 0) -> Any:
    """The compiled CUDA part, when it is there and runs on a GPU.

    Raises
    ------
    BackendError
    """
    try:
        from . import _cuda
    except ImportError as error:
        raise BackendError(
            f"the compiled core has no CUDA part here ({error}); build colordeploy where nvcc is "
            "installed (pip install . --config-settings=cmake.define.COLORDEPLOY_CUDA=ON), or use "
            "device='cpu'"
        ) from None
    try:
        count = _cuda.device_count()
    except _cuda.DeviceError as error:
        raise BackendError(
            f"there is no GPU to solve on ({error}); {_REMEDY}, or use device='cpu'"
            if os.getpid() == _PROCESS
            else f"CUDA does not work in a process made by fork ({error}); start processes by "
            "'spawn' (multiprocessing.set_start_method), or use device='cpu'"
        ) from None
    if count == 0:
        raise BackendError("there is no GPU to solve on; use device='cpu'")
    if number >= count:
        raise BackendError(
            f"device 'cuda:{number}' was asked for, but there are {count} GPUs; count from 0"
        )
    if not _cuda.has_code(number):
        raise BackendError(
            f"this build of the solver has no code for GPU {number} "
            f"({_cuda.architecture(number)}); build colordeploy with "
            "CMAKE_CUDA_ARCHITECTURES=native, or use device='cpu'"
        )
    return _cuda


def solves_on_gpu(device: str = "cuda") -> bool:
    """Whether a device works here: the CUDA part is built, and has code for a GPU that is there."""
    number = device_number(device)
    if number is None:
        return False
    try:
        cuda_module(number)
    except BackendError:
        return False
    return True


def view_of(
    name: str, values: Any, axes: str, *, marks: bool = False, strided: bool = False
) -> DeviceView:
    """Check an array in device memory.

    Raises
    ------
    InputError
        For wrong axes or types, and for arrays that are not contiguous unless they may be strided.
    """
    view = any_view_of(values, name, strided=strided)
    if len(view.shape) != len(axes):
        raise InputError(
            f"{name} must have {len(axes)} axes ({', '.join(axes)}), not shape {view.shape}"
        )
    if 0 in view.shape:
        raise InputError(f"{name} is empty: shape {view.shape}")
    allowed = _MARKS if marks else _REALS
    if view.dtype not in allowed:
        raise InputError(
            f"{name} in device memory must be {' or '.join(t.name for t in allowed)}, not "
            f"{view.dtype}; convert it there"
        )
    return view


def refuse_device(name: str, values: Any) -> None:
    """For what works on the CPU: InputError for arrays in device memory."""
    if is_device_array(values):
        raise InputError(f"{name} is in device memory; use device='cuda', or copy it to the host")


def device_features(features: Any) -> NDArray[Any] | DeviceView:
    """(H, W, C) features, checked: finite on the host; in device memory the GPU looks itself."""
    if is_device_array(features):
        return view_of("features", features, "HWC", strided=True)
    return finite_array("features", features, "HWC", single=True)


class DeviceSystem:
    """The propagation system of one picture on a GPU; what `Propagator` does there.

    Parameters
    ----------
    features : (H, W, C) float32 or float64, contiguous and finite, a DeviceView, or Affinities
        A DeviceView may be strided.
    sigma : float
        Ignored for affinities.
    solver : {"multifrontal", "cudss"}
    """

    def __init__(
        self,
        number: int,
        features: NDArray[Any] | DeviceView | Affinities,
        sigma: float,
        alpha: float,
        phi: float,
        step: int,
        screening: float = 0.0,
        solver: str = "multifrontal",
    ) -> None:
        cuda = cuda_module(number)
        shape = features.local.shape[1:] if isinstance(features, Affinities) else features.shape
        self._cuda, self._height, self._width, self._step = cuda, shape[0], shape[1], step
        self._affinities = features if isinstance(features, Affinities) else None
        self._number = number
        cudss = str(cudss_library()) if solver == "cudss" else ""
        with self._errors():
            plan = _device_plan(cuda, self._height, self._width, step, number)
            self._solver: Solver
            if isinstance(features, Affinities):
                self._solver = cuda.Solver.from_affinities(
                    plan, features.local, features.global_, alpha, phi, screening, cudss
                )
            else:
                self._solver = cuda.Solver.from_features(
                    plan,
                    _given(features),
                    shape[2],
                    _strides(features),
                    sigma,
                    alpha,
                    phi,
                    screening,
                    cudss,
                )
        _note("affinities", self._solver.nanoseconds)

    @property
    def shape(self) -> tuple[int, int]:
        return self._height, self._width

    def affinities(self) -> Affinities:
        """The edge weights, copied to the host once."""
        if self._affinities is None:
            with self._errors():
                local, distant = self._solver.affinities()
            self._affinities = Affinities(local, distant, self._step)
        return self._affinities

    def nbytes(self) -> int:
        host = self._affinities
        return self._solver.nbytes + (host.local.nbytes + host.global_.nbytes if host else 0)

    @staticmethod
    def taken(name: str, values: Any) -> Any:
        return values

    def solve(
        self,
        mask: NDArray[np.uint8] | DeviceView,
        values: NDArray[Any] | DeviceView,
        *,
        masked: bool,
        cancel: Cancel = None,
    ) -> NDArray[np.float64] | DeviceArray:
        """Solution x where `values` lies: on the host, or in device memory."""
        with stoppable(cancel), self._errors():
            found = self._solver.solve(_given(mask), _given(values), values.shape[2], masked)
            _note("propagation", found.nanoseconds)
            if not isinstance(values, DeviceView):
                return found.numpy()
        # Ready on every stream: the solver has waited for it.
        return DeviceArray(
            found.address,
            found.shape,
            np.float64,
            device=f"cuda:{self._number}",
            stream=None,
            fetch=lambda target: np.copyto(target, found.numpy()),
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        cuda = self._cuda
        try:
            yield
        except (cuda.NotFinite, cuda.NoMark, cuda.WrongPlace) as error:
            raise InputError(str(error)) from None
        except (cuda.SingularSystem, cuda.NotDefinite) as error:
            raise SolverError(str(error)) from None
        except cuda.DeviceMemoryError as error:
            raise SolverError(
                f"the GPU's memory does not suffice for {self._height}x{self._width} pixels "
                f"({error}); use a smaller working size, a larger global_step, or device='cpu'"
            ) from None
        except cuda.DeviceError as error:
            raise BackendError(f"solving on the GPU failed: {error}") from None


@lru_cache(maxsize=4)
def _device_plan(cuda: Any, height: int, width: int, step: int, number: int) -> DevicePlan:
    """Index lists in device memory; they depend on the size alone."""
    plan: DevicePlan = cuda.DevicePlan(plan_of(height, width, step), number)
    return plan


def drop_device_plans() -> None:
    """Forget the index lists of all sizes, with the memory kept for their systems."""
    _device_plan.cache_clear()


def _note(part: str, nanoseconds: int) -> None:
    """Tell who records what the device took."""
    recording = current_recording()
    if recording is not None:
        recording.add_device({part: nanoseconds})


def _given(values: NDArray[Any] | DeviceView) -> tuple[int, bool, bool, int]:
    if isinstance(values, DeviceView):
        return values.address, True, values.dtype == np.float32, values.stream or 0
    return values.ctypes.data, False, values.dtype == np.float32, 0


def _strides(values: NDArray[Any] | DeviceView) -> tuple[int, int, int]:
    """From pixel to pixel down, to the right, and from channel to channel, in values."""
    size = values.dtype.itemsize
    if isinstance(values, DeviceView) and values.strides is not None:
        if any(stride % size for stride in values.strides):
            raise InputError(f"features have strides {values.strides} of values of {size} bytes")
        down, right, across = (stride // size for stride in values.strides)
        return down, right, across
    _, width, channels = values.shape
    return width * channels, channels, 1
