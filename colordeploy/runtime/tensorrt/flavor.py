"""Which TensorRT is installed: the full one, or the one for RTX. Both are used alike."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import BackendError

__all__ = ["FLAVORS", "Flavor", "find_flavor", "installed_flavors"]

FLAVORS = ("tensorrt", "tensorrt_rtx")
_LEAST = {"tensorrt": (10, 12), "tensorrt_rtx": (1, 0)}
_ARCHITECTURE = re.compile(r"sm_?(\d{2,3})")


@dataclass(frozen=True)
class Flavor:
    """An installed TensorRT.

    Attributes
    ----------
    name : {"tensorrt", "tensorrt_rtx"}
        Of the Python package.
    module : module
    """

    name: str
    module: Any

    @property
    def version(self) -> str:
        """As the package says it; engines run with this version only."""
        return str(self.module.__version__)

    @cached_property
    def logger(self) -> Any:
        """A logger that keeps errors for messages instead of writing them to stderr."""
        trt = self.module

        class Collected(trt.ILogger):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.errors: list[str] = []

            def log(self, severity: Any, message: str) -> None:
                if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                    self.errors = [*self.errors[-9:], message]

        return Collected()

    def last_errors(self) -> str:
        """What TensorRT complained about since the last call."""
        errors, self.logger.errors = self.logger.errors, []
        return "; ".join(errors) or "TensorRT gave no reason"

    @property
    def captures_itself(self) -> bool:
        """Whether CUDA graphs are its own affair: RTX compiles kernels while it runs, so that
        nobody else can say when a capture would hold the final ones.
        """
        return self.name == "tensorrt_rtx"

    def runtime_config(self, engine: Any, *, cuda_graphs: bool) -> Any:
        """What contexts are made with; None when there is nothing to say."""
        trt = self.module
        if not (cuda_graphs and self.captures_itself and hasattr(trt, "CudaGraphStrategy")):
            return None  # TensorRT for RTX before 1.2 captures nothing
        config = engine.create_runtime_config()
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        return config

    @property
    def architectures(self) -> tuple[str, ...]:
        """GPU architectures that it can build for without such a GPU; none: the present one's."""
        capability = getattr(self.module, "ComputeCapability", None)
        names = [name for name in dir(capability) if re.fullmatch(r"SM\d+", name)]
        return tuple(f"sm_{number}" for number in sorted(int(name[2:]) for name in names))

    def check_architectures(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The names as "sm_89".

        Raises
        ------
        BackendError
            For what is no architecture, and those that this flavour cannot build for.
        """
        result = []
        for name in wanted:
            match = _ARCHITECTURE.fullmatch(str(name).lower())
            found = f"sm_{match[1]}" if match else str(name)
            if found not in self.architectures:
                able = ", ".join(self.architectures)
                raise BackendError(
                    f"{self.name} {self.version} cannot build for {found!r}; "
                    + (f"it builds for {able}" if able else "it builds for the present GPU only, "
                       "so leave --arch out and build on the device")
                )  # fmt: skip
            result.append(found)
        return tuple(dict.fromkeys(result))


def installed_flavors() -> list[Flavor]:
    """Those that can be imported and are new enough, the full one first."""
    found = []
    for name in FLAVORS:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError):  # OSError: its libraries do not load
            continue
        if _numbers(str(module.__version__)) >= _LEAST[name]:
            found.append(Flavor(name, module))
    return found


def find_flavor(name: str | None = None) -> Flavor:
    """An installed TensorRT, by name or the first.

    Raises
    ------
    BackendError
        When it is not installed or too old, with the command that installs it.
    """
    if name is not None and name not in FLAVORS:
        raise BackendError(f"unknown TensorRT {name!r}; use one of {', '.join(FLAVORS)}")
    for flavor in installed_flavors():
        if name in (None, flavor.name):
            return flavor
    if name is None:
        raise BackendError(
            "no TensorRT is installed; pip install tensorrt-rtx (RTX and laptop GPUs) or "
            "tensorrt (10.12 or later, every GPU)"
        )
    least = ".".join(map(str, _LEAST[name]))
    raise BackendError(
        f"{name} {least} or later is not installed; pip install {name.replace('_', '-')}"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
