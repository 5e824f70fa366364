import numpy as np
from numpy.typing import NDArray

from ._core import Plan

class SingularSystem(ArithmeticError): ...  # noqa: N818
class NotDefinite(ArithmeticError): ...  # noqa: N818
class NotFinite(ValueError): ...  # noqa: N818
class WrongPlace(ValueError): ...  # noqa: N818
class NoMark(ValueError): ...  # noqa: N818
class DeviceError(RuntimeError): ...
class DeviceMemoryError(DeviceError): ...

class DevicePlan:
    def __init__(self, plan: Plan, device: int) -> None: ...

class DeviceArray:
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def address(self) -> int: ...
    @property
    def nanoseconds(self) -> int: ...
    def numpy(self) -> NDArray[np.float64]: ...

# Address, whether it is device memory, whether float32, stream.
_Given = tuple[int, bool, bool, int]

class Solver:
    @staticmethod
    def from_features(
        plan: DevicePlan,
        features: _Given,
        channels: int,
        strides: tuple[int, int, int],
        sigma: float,
        alpha: float,
        phi: float,
        screening: float,
        cudss: str,
    ) -> Solver: ...
    @staticmethod
    def from_affinities(
        plan: DevicePlan,
        local: NDArray[np.float64],
        global_: NDArray[np.float64],
        alpha: float,
        phi: float,
        screening: float,
        cudss: str,
    ) -> Solver: ...
    @property
    def nanoseconds(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def solve(self, mask: _Given, b: _Given, channels: int, masked: bool) -> DeviceArray: ...
    def affinities(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

def cudss_version(library: str) -> str: ...
def device_count() -> int: ...
def has_code(device: int) -> bool: ...
def architecture(device: int) -> str: ...
