"""The propagation system of one picture on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from . import _core
from .affinities import Affinities
from .cancelling import Cancel, stoppable
from .device import refuse_device
from .limits import within_memory
from .plans import plan_of

__all__ = ["HostSystem"]


class HostSystem:
    """Affinities and the factorization of a picture, in the memory of the host."""

    def __init__(
        self,
        affinities: Affinities,
        alpha: float,
        phi: float,
        screening: float,
        threads: int,
        single: bool,
    ) -> None:
        self._affinities, self._threads = affinities, threads
        _, self._height, self._width = affinities.local.shape
        plan = plan_of(self._height, self._width, affinities.global_step)
        self._solver = _core.Solver(
            plan, affinities.local, affinities.global_, alpha, phi, screening, single
        )

    @property
    def shape(self) -> tuple[int, int]:
        return self._height, self._width

    def affinities(self) -> Affinities:
        return self._affinities

    def nbytes(self) -> int:
        affinities = self._affinities
        return self._solver.nbytes + affinities.local.nbytes + affinities.global_.nbytes

    @staticmethod
    def taken(name: str, values: Any) -> Any:
        refuse_device(name, values)
        return values

    def solve(self, mask: Any, values: Any, *, masked: bool, cancel: Cancel) -> NDArray[np.float64]:
        try:
            with stoppable(cancel) as flag:
                return within_memory(
                    f"solving for {self._height}x{self._width} pixels",
                    lambda: self._solver.solve(mask, values, masked, self._threads, flag),
                )
        except _core.SingularSystem as error:
            raise SolverError(str(error)) from None
