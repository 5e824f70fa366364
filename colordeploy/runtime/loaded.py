"""What graphs of every backend have in common: how they are run, cancelled, closed and forked."""

from __future__ import annotations

import ctypes
import logging
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NoReturn
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ..abandoning import abandonable
from ..cancellation import CancelToken
from ..device_array import Array, is_device_array
from ..errors import BackendError, Cancelled, ColorDeployError
from ..trace import span

__all__ = ["LoadedGraph", "require_finite"]

logger = logging.getLogger("colordeploy")


class LoadedGraph(ABC):
    """A graph that is ready to run; see `colordeploy.runtime.Graph`.

    Attributes
    ----------
    name : str
        What the graph is called in messages.
    device : str
        Where it really runs: "cpu" or "cuda:N".
    why : str
        The reason for that device: what was asked for, and what is available.
    precision : {"fp32", "fp16", "bf16"}
    """

    device: str
    why: str
    precision: str

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = os.getpid()
        _loaded.add(self)

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        on_device: bool = False,
        cancel: CancelToken | None = None,
    ) -> Any:
        """Outputs by name; new arrays, the caller's own.

        Parameters
        ----------
        inputs : mapping of str to array
            Of the host, or of the GPU that the graph runs on.
        on_device : bool
            Leave the outputs on the GPU, as `DeviceArray`.
        cancel : CancelToken, optional
            Stops the run from another thread. A kernel that is running on the CPU then goes on to
            its end in a thread of its own, for which nobody waits.

        Raises
        ------
        BackendError
            For wrong inputs, NaN or infinite values in an output (of `DeviceArray`, when it is
            fetched), a closed graph, one that was loaded before a fork, and whatever the backend
            cannot do.
        Cancelled
            When the token was cancelled; the graph stays usable.
        """
        if os.getpid() != self._process:
            raise BackendError(
                f"graph {self.name!r} was loaded before this process was forked, and the threads "
                "that it needs were not; load the model in the child, or start children with "
                "multiprocessing's 'spawn'"
            )
        if cancel is not None:
            cancel.raise_if_cancelled()
        try:
            with span(f"graph {self.name}"):
                outputs = abandonable(
                    lambda: self._checked(inputs, on_device, cancel),
                    cancel if self.device == "cpu" else None,
                )
        except Exception as error:
            if cancel is not None and cancel.cancelled:
                raise Cancelled(f"cancelled in graph {self.name!r}") from None
            if isinstance(error, ColorDeployError):
                raise
            raise self._failure(error) from None
        return outputs

    def _checked(
        self, inputs: Mapping[str, Array], on_device: bool, cancel: CancelToken | None
    ) -> dict[str, Any]:
        outputs = self._run(inputs, on_device, cancel)
        if not on_device:
            for output, array in outputs.items():
                require_finite(array, self.name, output)
        return outputs

    @abstractmethod
    def _run(
        self, inputs: Mapping[str, Array], on_device: bool, cancel: CancelToken | None
    ) -> dict[str, Any]:
        """Run the backend. Whatever it raises becomes a BackendError, or Cancelled."""

    def close(self) -> None:
        """Free what it holds on the device; runs of other threads end first or fail."""
        if os.getpid() == self._process:
            self._close()

    @abstractmethod
    def _close(self) -> None:
        """`close`, in the process that loaded the graph."""

    @abstractmethod
    def _foreign(self) -> list[Any]:
        """The backend's objects, whose destructors wait for threads."""

    def _failure(self, error: Exception) -> BackendError:
        """What to say of an exception of the backend's."""
        if isinstance(error, MemoryError) or "alloc" in str(error).lower():
            return BackendError(
                f"graph {self.name!r} found too little memory on {self.device} ({error}); use a "
                "smaller size, fewer threads at once, or close other models"
            )
        return BackendError(f"graph {self.name!r} failed on {self.device}: {error}")

    def _refuse_gpu(self, inputs: Mapping[str, Array], on_device: bool) -> dict[str, NDArray[Any]]:
        """The inputs of a graph that runs on the CPU; BackendError when a GPU is involved."""
        if on_device:
            raise BackendError(
                f"graph {self.name!r} runs on {self.device}, so its outputs cannot stay on a GPU; "
                "leave on_device out, or load the model with device='cuda'"
            )
        for name, array in inputs.items():
            if is_device_array(array):
                raise BackendError(
                    f"graph {self.name!r} runs on {self.device}, but {name!r} is on a GPU; fetch "
                    "it first (DeviceArray: x.numpy(), torch: x.cpu().numpy(), CuPy: x.get()), or "
                    "load the model with device='cuda'"
                )
        return dict(inputs)  # type: ignore[arg-type]

    def _closed(self) -> BackendError:
        return BackendError(f"graph {self.name!r} was closed; load the model again")

    def __reduce__(self) -> NoReturn:
        raise BackendError(
            f"graph {self.name!r} cannot be pickled or copied: it holds memory and threads of this "
            "process; load the model again where it is needed"
        )


def require_finite(array: NDArray[Any], graph: str, output: str) -> None:
    """Refuse NaN and infinite values in an output.

    Raises
    ------
    BackendError
    """
    if array.dtype.kind != "f":
        return
    # A sum is one pass without memory of its own. It may overflow where no value is infinite.
    with np.errstate(all="ignore"):
        total = float(np.sum(array, dtype=np.float32 if array.itemsize < 4 else None))
    if not math.isfinite(total) and not bool(np.isfinite(array).all()):
        raise BackendError(
            f"graph {graph!r} computed NaN or infinite values in its output {output!r}; give "
            "finite inputs, or use precision='fp32' or another backend"
        )


_loaded: WeakSet[LoadedGraph] = WeakSet()


def _after_fork_in_child() -> None:
    """Never destroy what the parent loaded: destructors would join threads that are not here."""
    for graph in list(_loaded):
        for held in graph._foreign():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
