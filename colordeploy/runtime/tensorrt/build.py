"""From an ONNX graph to an engine; TensorRT for RTX needs no GPU for that."""

from __future__ import annotations

import atexit
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import Any

from ...cancellation import CancelToken
from ...errors import BackendError
from .flavor import RTX, Flavor

__all__ = ["BuildOptions", "BuildProgress", "BuiltEngine", "Profile", "build_engine"]

Shape = tuple[int, ...]
BuildProgress = Callable[[str, int, int], None]

_WAIT_AT_EXIT = 10.0  # seconds, for a build that nobody waits for any more


@dataclass(frozen=True)
class Profile:
    """Shapes of a graph's inputs that an engine serves, and is fastest for.

    Attributes
    ----------
    minimum, optimum, maximum : mapping of input name to shape
    """

    minimum: Mapping[str, Shape]
    optimum: Mapping[str, Shape]
    maximum: Mapping[str, Shape]


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes
    ----------
    architectures : tuple of str
        "sm_89" and the like, in any order; none: the present GPU's.
    level : int, optional
        Builder optimization level 0 to 5; more is slower to build and may be faster to run.
    workspace : int, optional
        Most scratch memory in MiB; None: what TensorRT takes.
    version_compatible : bool
        The engine also runs with later versions of the same major one (full TensorRT only).
    hardware_compatible : bool
        The engine also runs on other GPUs of Ampere and later (full TensorRT only).
    stripped : bool
        Leave the weights out of the plan; they are put in from the bundle when it is loaded.
    """

    architectures: tuple[str, ...] = ()
    level: int | None = None
    workspace: int | None = None
    version_compatible: bool = False
    hardware_compatible: bool = False
    stripped: bool = False

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in range(6):
            raise BackendError(f"a builder level is 0 to 5, not {self.level!r}")
        if self.workspace is not None and self.workspace < 1:
            raise BackendError(f"a workspace has at least 1 MiB, not {self.workspace!r}")

    def checked(self, flavor: Flavor) -> BuildOptions:
        """The same with architectures in one order and spelling.

        Raises
        ------
        BackendError
            For what a flavor does not have.
        """
        if flavor.name == RTX and self.hardware_compatible:
            raise BackendError(
                "hardware compatibility belongs to the full TensorRT; with tensorrt_rtx name "
                "several architectures instead: --arch sm_86 --arch sm_89"
            )
        if flavor.name == RTX and self.version_compatible:
            raise BackendError(
                "version compatibility belongs to the full TensorRT: tensorrt_rtx has no lean "
                "runtime. Build again after an update, which takes seconds"
            )
        wanted = flavor.check_architectures(self.architectures)
        return BuildOptions(**{**asdict(self), "architectures": wanted})

    def to_dict(self) -> dict[str, Any]:
        """As JSON can say it."""
        return {**asdict(self), "architectures": list(self.architectures)}


def build_engine(
    flavor: Flavor,
    content: bytes,
    profiles: list[Profile],
    options: BuildOptions,
    name: str,
    progress: BuildProgress | None = None,
    *,
    cancel: CancelToken | None = None,
    timing_cache: bytes = b"",
) -> BuiltEngine:
    """Build an engine: strongly typed, so its precision is that of the ONNX graph.

    TensorRT works in a thread of its own, so that Ctrl-C and a token end the call at once, whatever
    it is doing; that thread stops at TensorRT's next step, and its result is dropped.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    profiles : list of Profile
        At least one.
    name : str
        What to call the graph in messages.
    progress : callable, optional
        Called in the calling thread with a phase's name, steps done and steps in all; what it
        raises ends the call.
    cancel : CancelToken, optional
    timing_cache : bytes
        Of an earlier build (full TensorRT only).

    Raises
    ------
    BackendError
        For operators that TensorRT does not have (with the node and the module it came from),
        and when the build fails.
    Cancelled
        When the token was cancelled.
    """
    events: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        try:
            options_ = options.checked(flavor)
            built = _build(flavor, content, profiles, options_, name, events, stopped, timing_cache)
            events.put(("built", built))
        except BaseException as error:
            events.put(("failed", error))
        finally:
            atexit.unregister(wait_at_exit)

    thread = threading.Thread(target=work, name="colordeploy-build", daemon=True)

    def wait_at_exit() -> None:
        thread.join(_WAIT_AT_EXIT)

    def wake() -> None:
        events.put(("cancelled",))

    with nullcontext() if cancel is None else cancel.calling(wake):
        atexit.register(wait_at_exit)
        thread.start()
        try:
            while True:
                kind, *values = events.get()
                if kind == "built":
                    built: BuiltEngine = values[0]
                    return built
                if kind == "failed":
                    raise values[0]
                if cancel is not None:
                    cancel.raise_if_cancelled()
                if kind == "step" and progress is not None:
                    progress(*values)
        finally:
            stopped.set()


@dataclass(frozen=True)
class BuiltEngine:
    """What a build gave.

    Attributes
    ----------
    plan : bytes
        The serialized engine.
    timing_cache : bytes
        For the next build; empty where there is none.
    """

    plan: bytes
    timing_cache: bytes


def _build(
    flavor: Flavor,
    content: bytes,
    profiles: list[Profile],
    options: BuildOptions,
    name: str,
    events: SimpleQueue[tuple[Any, ...]],
    stopped: threading.Event,
    timing_cache: bytes,
) -> BuiltEngine:
    trt = flavor.module
    logger = flavor.new_logger()
    try:
        builder = trt.Builder(logger)
    except Exception as error:  # pybind11 raises TypeError when no builder comes back
        raise BackendError(
            f"{flavor.name} cannot start a builder ({error}; {logger.said()}); without a "
            "GPU only tensorrt_rtx builds, for an architecture named by --arch"
        ) from None
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(content):
        raise BackendError(_parse_failure(parser, flavor, logger, name))
    config = builder.create_builder_config()
    _configure(flavor, config, options)
    for profile in profiles:
        config.add_optimization_profile(_profile(builder, profile, name))
    timings = None
    if flavor.name != RTX:  # which compiles on the device and times nothing
        timings = config.create_timing_cache(timing_cache)
        config.set_timing_cache(timings, False)
    config.progress_monitor = _monitor(trt, events, stopped)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(_build_failure(flavor, logger, options, name))
    kept = b"" if timings is None else bytes(memoryview(timings.serialize()))
    return BuiltEngine(bytes(memoryview(plan)), kept)


def _configure(flavor: Flavor, config: Any, options: BuildOptions) -> None:
    trt = flavor.module
    if options.architectures:
        config.num_compute_capabilities = len(options.architectures)
        for i, architecture in enumerate(options.architectures):
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
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if options.stripped:
        # Refit with other weights than these is not wanted, so TensorRT may optimize for them.
        config.set_flag(trt.BuilderFlag.STRIP_PLAN)
        config.set_flag(trt.BuilderFlag.REFIT_IDENTICAL)


def _profile(builder: Any, profile: Profile, name: str) -> Any:
    made = builder.create_optimization_profile()
    for tensor, minimum in profile.minimum.items():
        optimum, maximum = profile.optimum[tensor], profile.maximum[tensor]
        if not all(1 <= a <= b <= c for a, b, c in zip(minimum, optimum, maximum, strict=True)):
            raise BackendError(
                f"graph {name!r}: a profile goes from small to large, but {tensor!r} has "
                f"{minimum}, {optimum}, {maximum}"
            )
        made.set_shape(tensor, minimum, optimum, maximum)
    return made


def _build_failure(flavor: Flavor, logger: Any, options: BuildOptions, name: str) -> str:
    said = logger.said()
    text = f"{flavor.name} could not build graph {name!r}: {said}"
    wanted = re.search(r"OutOfMemory \(Requested size was (\d+) bytes", said)
    if wanted and options.workspace is not None:
        return (
            f"{text}. The workspace of {options.workspace} MiB is too small for it: give "
            f"--workspace {-(-int(wanted[1]) >> 20)} or more, or leave it out"
        )
    if "workspace limit" in said and options.workspace is not None:
        return (
            f"{text}. The workspace of {options.workspace} MiB is too small for it: give "
            "--workspace more, or leave it out"
        )
    if options.stripped and flavor.name == RTX:
        return f"{text}. tensorrt_rtx leaves weights out on a machine with a GPU only"
    if wanted:
        return f"{text}. Serve smaller pictures: --profile or --size"
    return text


def _parse_failure(parser: Any, flavor: Flavor, logger: Any, name: str) -> str:
    lines = []
    for i in range(parser.num_errors):
        error = parser.get_error(i)
        node, operator = error.node_name(), error.node_operator()
        where = f"node {node!r} ({operator}): " if node or operator else ""
        # The exporter names nodes and their outputs after the network's modules.
        lines.append(f"{where}{error.desc()}")
    reasons = "; ".join(lines) or logger.said()
    return (
        f"{flavor.name} {flavor.version} cannot read graph {name!r}: {reasons}. "
        "Run this graph with backend='onnxruntime', or export it without that operator"
    )


def _monitor(trt: Any, events: SimpleQueue[tuple[Any, ...]], stopped: threading.Event) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, _parent: str | None, steps: int) -> None:
            self._steps[phase] = steps
            events.put(("step", phase, 0, steps))

        def step_complete(self, phase: str, step: int) -> bool:
            events.put(("step", phase, step + 1, self._steps[phase]))
            return not stopped.is_set()

        def phase_finish(self, phase: str) -> None:
            steps = self._steps.pop(phase)
            events.put(("step", phase, steps, steps))

    return Monitor()
