"""From an ONNX graph to an engine; TensorRT for RTX needs no GPU for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import BackendError
from .flavor import Flavor

__all__ = ["BuildOptions", "Profile", "build_engine"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """Shapes of a graph's inputs that an engine serves, and is fastest for.

    Attributes
    ----------
    least, best, most : mapping of input name to shape
    """

    least: Mapping[str, Shape]
    best: Mapping[str, Shape]
    most: Mapping[str, Shape]


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes
    ----------
    architectures : tuple of str
        "sm_89" and the like; none: the present GPU's.
    level : int, optional
        Builder optimization level 0 to 5; more is slower to build and may be faster to run.
    workspace : int, optional
        Most scratch memory in MiB; None: what TensorRT takes.
    version_compatible : bool
        The engine also runs with later versions of the same major one.
    hardware_compatible : bool
        The engine also runs on other GPUs of Ampere and later (full TensorRT only).
    """

    architectures: tuple[str, ...] = ()
    level: int | None = None
    workspace: int | None = None
    version_compatible: bool = False
    hardware_compatible: bool = False

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in range(6):
            raise BackendError(f"a builder level is 0 to 5, not {self.level!r}")
        if self.workspace is not None and self.workspace < 1:
            raise BackendError(f"a workspace has at least 1 MiB, not {self.workspace!r}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def build_engine(
    flavor: Flavor,
    content: bytes,
    profiles: list[Profile],
    options: BuildOptions,
    name: str,
    progress: Callable[[str, int, int], bool] | None = None,
) -> bytes:
    """Build an engine: strongly typed, so its precision is that of the ONNX graph.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    profiles : list of Profile
        At least one.
    name : str
        What to call the graph in messages.
    progress : callable, optional
        Called with a phase's name, steps done and steps in all; False cancels.

    Returns
    -------
    bytes
        The serialized plan.

    Raises
    ------
    BackendError
        For operators that TensorRT does not have (with the node and the module it came from),
        and when the build fails or is cancelled.
    """
    trt = flavor.module
    flavor.logger.errors = []
    try:
        builder = trt.Builder(flavor.logger)
    except Exception as error:  # pybind11 raises TypeError when no builder comes back
        raise BackendError(
            f"{flavor.name} cannot start a builder ({error}; {flavor.last_errors()}); without a "
            "GPU only tensorrt_rtx builds, for an architecture named by --arch"
        ) from None
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, flavor.logger)
    if not parser.parse(content):
        raise BackendError(_parse_failure(parser, flavor, name))
    config = builder.create_builder_config()
    _configure(flavor, builder, config, options)
    for profile in profiles:
        config.add_optimization_profile(_profile(builder, profile, name))
    cancelled = [False]
    if progress is not None:
        config.progress_monitor = _monitor(trt, progress, cancelled)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        reason = "it was cancelled" if cancelled[0] else flavor.last_errors()
        raise BackendError(f"{flavor.name} could not build graph {name!r}: {reason}")
    return bytes(memoryview(plan))


def _configure(flavor: Flavor, builder: Any, config: Any, options: BuildOptions) -> None:
    trt = flavor.module
    wanted = flavor.check_architectures(options.architectures)
    if wanted:
        config.num_compute_capabilities = len(wanted)
        for i, architecture in enumerate(wanted):
            capability = getattr(trt.ComputeCapability, architecture.replace("_", "").upper())
            if not config.set_compute_capability(capability, i):
                raise BackendError(f"{flavor.name} does not accept {architecture}")
    if options.level is not None:
        config.builder_optimization_level = options.level
    if options.workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace << 20)
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.hardware_compatible:
        if flavor.name == "tensorrt_rtx":
            raise BackendError(
                "hardware compatibility belongs to the full TensorRT; with tensorrt_rtx name "
                "several architectures instead: --arch sm_86 --arch sm_89"
            )
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS


def _profile(builder: Any, profile: Profile, name: str) -> Any:
    made = builder.create_optimization_profile()
    for tensor, least in profile.least.items():
        best, most = profile.best[tensor], profile.most[tensor]
        if not all(1 <= a <= b <= c for a, b, c in zip(least, best, most, strict=True)):
            raise BackendError(
                f"graph {name!r}: a profile goes from small to large, but {tensor!r} has "
                f"{least}, {best}, {most}"
            )
        made.set_shape(tensor, least, best, most)
    return made


def _parse_failure(parser: Any, flavor: Flavor, name: str) -> str:
    lines = []
    for i in range(parser.num_errors):
        error = parser.get_error(i)
        node, operator = error.node_name(), error.node_operator()
        where = f"node {node!r} ({operator}): " if node or operator else ""
        # The exporter names nodes and their outputs after the network's modules.
        lines.append(f"{where}{error.desc()}")
    reasons = "; ".join(lines) or flavor.last_errors()
    return (
        f"{flavor.name} {flavor.version} cannot read graph {name!r}: {reasons}. "
        "Run this graph with backend='onnxruntime', or export it without that operator"
    )


def _monitor(trt: Any, progress: Callable[[str, int, int], bool], cancelled: list[bool]) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, _parent: str | None, steps: int) -> None:
            self._steps[phase] = steps
            progress(phase, 0, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            cancelled[0] = cancelled[0] or not progress(phase, step + 1, self._steps[phase])
            return not cancelled[0]

        def phase_finish(self, phase: str) -> None:
            steps = self._steps.pop(phase)
            progress(phase, steps, steps)

    return Monitor()
