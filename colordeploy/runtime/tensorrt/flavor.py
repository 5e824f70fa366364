"""Which TensorRT is installed: the full one, or the one for RTX. Both are used alike."""

from __future__ import annotations

import importlib
import logging
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from ...errors import BackendError

__all__ = ["FLAVORS", "RTX", "Flavor", "architecture_name", "find_flavor", "installed_flavors"]

logger = logging.getLogger("colordeploy")

FLAVORS = ("tensorrt", "tensorrt_rtx")
RTX = "tensorrt_rtx"
_MINIMUM = {"tensorrt": (10, 12), RTX: (1, 0)}
_TURING = 75
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

    def new_logger(self) -> Any:
        """A logger that passes what TensorRT says on to `logging`, and keeps its errors.

        Its method ``said`` returns the errors since the last call, for a message of our own.
        """
        trt = self.module
        severity = trt.ILogger.Severity
        levels = {
            severity.INTERNAL_ERROR: logging.ERROR,
            severity.ERROR: logging.ERROR,
            severity.WARNING: logging.WARNING,
        }
        name = self.name

        class Passing(trt.ILogger):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self._errors: deque[str] = deque(maxlen=10)

            def log(self, level: Any, message: str) -> None:
                # Called by TensorRT, in whatever thread: what is raised here gets nowhere.
                found = levels.get(level, logging.DEBUG)
                logger.log(found, "%s: %s", name, message)
                if found == logging.ERROR:
                    self._errors.append(message)

            def said(self) -> str:
                errors = [self._errors.popleft() for _ in range(len(self._errors))]
                return "; ".join(errors) or "TensorRT gave no reason"

        return Passing()

    @property
    def captures_itself(self) -> bool:
        """Whether CUDA graphs are its own affair: RTX compiles kernels while it runs, so that
        nobody else can say when a capture would hold the final ones.
        """
        return self.name == RTX

    def runtime_config(self, engine: Any, *, cuda_graphs: bool, kernels: bytes) -> Any:
        """What contexts of TensorRT for RTX are made with; None for the full one.

        Parameters
        ----------
        cuda_graphs : bool
            Whether it captures graphs.
        kernels : bytes
            What was compiled on this kind of GPU before; see `KernelCache`.
        """
        trt = self.module
        if not self.captures_itself or not hasattr(engine, "create_runtime_config"):
            return None
        config = engine.create_runtime_config()
        if cuda_graphs and hasattr(trt, "CudaGraphStrategy"):  # 1.2 and later
            config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        compiled = config.create_runtime_cache()
        if kernels and not compiled.deserialize(kernels):
            logger.info("%s does not take the kernels of before; they are compiled again", RTX)
        config.set_runtime_cache(compiled)
        return config

    def refit(self, engine: Any, weights: bytes, said: Any) -> bool:
        """Put the weights of an ONNX file into an engine that was built without; False: not done.

        Parameters
        ----------
        said : object
            The logger, see `new_logger`.
        """
        trt = self.module
        refitter = trt.Refitter(engine, said)
        parser = trt.OnnxParserRefitter(refitter, said)
        return bool(parser.refit_from_bytes(weights)) and bool(refitter.refit_cuda_engine())

    @property
    def architectures(self) -> tuple[str, ...]:
        """GPU architectures that it can build for without such a GPU; none: the present one's."""
        capability = getattr(self.module, "ComputeCapability", None)
        found = [int(name[2:]) for name in dir(capability) if re.fullmatch(r"SM\d+", name)]
        # Turing is named, but TensorRT for RTX has no float32 matrix products there (error
        # "FP32 GEMM is not supported"), which every model needs.
        return tuple(f"sm_{number}" for number in sorted(found) if number > _TURING)

    def check_architectures(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The names as "sm_89", each once, from the oldest to the newest.

        Raises
        ------
        BackendError
            For what is no architecture, and those that this flavour cannot build for.
        """
        result = []
        for name in wanted:
            found = architecture_name(name) or str(name)
            if found not in self.architectures:
                able = ", ".join(self.architectures)
                raise BackendError(
                    f"{self.name} {self.version} cannot build for {found!r}; "
                    + (f"it builds for {able}" if able else "it builds for the present GPU only, "
                       "so leave --arch out and build on the device")
                )  # fmt: skip
            result.append(found)
        return tuple(sorted(set(result), key=lambda name: int(name[3:])))


def architecture_name(text: str) -> str | None:
    """A GPU architecture as it is called here, "sm_89"; None for what is none."""
    match = _ARCHITECTURE.fullmatch(str(text).strip().lower())
    return f"sm_{match[1]}" if match else None


def installed_flavors() -> list[Flavor]:
    """Those that can be imported and are new enough, the full one first."""
    found = []
    for name in FLAVORS:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError):  # OSError: its libraries do not load
            continue
        if _numbers(str(module.__version__)) >= _MINIMUM[name]:
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
    minimum = ".".join(map(str, _MINIMUM[name]))
    raise BackendError(
        f"{name} {minimum} or later is not installed; pip install {name.replace('_', '-')}"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
