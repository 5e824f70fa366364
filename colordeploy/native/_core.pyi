import numpy as np
from numpy.typing import NDArray

_F64 = NDArray[np.float64]

class SingularSystem(ArithmeticError): ...  # noqa: N818 - the C++ name

class Plan:
    def __init__(self, height: int, width: int, global_step: int) -> None: ...
    @property
    def factor_size(self) -> int: ...
    @property
    def global_pixels(self) -> NDArray[np.int32]: ...

class Factor:
    def solve(self, b: _F64) -> _F64: ...

def local_affinities(plan: Plan, features: _F64, sigma: float) -> _F64: ...
def global_affinities(plan: Plan, features: _F64, sigma: float) -> _F64: ...
def factorize(
    plan: Plan, local: _F64, global_: _F64, alpha: float, phi: float, mask: NDArray[np.uint8]
) -> Factor: ...
def affinity_gradient(
    plan: Plan,
    features: _F64,
    sigma: float,
    alpha: float,
    local: _F64,
    global_: _F64,
    x: _F64,
    adjoint: _F64,
) -> tuple[_F64, float, float]: ...
