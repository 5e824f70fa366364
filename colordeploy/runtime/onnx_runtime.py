"""Graphs on ONNX Runtime."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..cancellation import CancelToken
from ..device_array import Array
from ..errors import BackendError
from .driver import CudaDriver, open_driver
from .loaded import LoadedGraph
from .onnx_binding import BoundSession
from .onnx_import import import_onnxruntime
from .providers import CPU, CUDA, TENSORRT
from .target import Target
from .threads import graph_threads

__all__ = ["OnnxRuntimeGraph"]

logger = logging.getLogger("colordeploy")
ort = import_onnxruntime()

_SPIN = "50"  # microseconds
_WORDS = {CPU: "CPU", CUDA: "CUDA", TENSORRT: "TensorRT"}
_MISSING = {
    CUDA: "driver or CUDA libraries missing",
    TENSORRT: "driver, CUDA or TensorRT libraries missing",
}
# What ONNX exporters make of shapes, and ONNX Runtime rightly computes on the CPU.
_FOR_SHAPES = frozenset(
    """Add And Cast Ceil Concat Constant ConstantOfShape Div Equal Expand Floor Gather Greater
    Identity Less Max Min Mod Mul Neg Not Or Range ReduceProd Reshape Shape Size Slice Split
    Squeeze Sub Unsqueeze Where""".split()  # noqa: SIM905
)


class OnnxRuntimeGraph(LoadedGraph):
    """One session; see `colordeploy.runtime.Graph`."""

    def __init__(self, content: bytes, target: Target, name: str) -> None:
        super().__init__(name)
        self._session: Any = None
        self._bound: BoundSession | None = None
        available = ort.get_available_providers()
        driver, stream = _own_stream(target, available)
        providers = target.options.to_providers(target.index, stream)
        if target.device == "cpu":
            providers = providers[-1:]
        wanted = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        first = wanted[0]
        if target.device != "auto" and first not in available:
            raise BackendError(
                f"device {target.device!r} was asked for, but this ONNX Runtime has no "
                f"{_WORDS[first]} provider; install onnxruntime-gpu instead of onnxruntime, or "
                "use device='cpu'"
            )
        usable = [p for p, n in zip(providers, wanted, strict=True) if n in available]
        try:
            session: Any = ort.InferenceSession(content, _options(target), providers=usable)
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            raise BackendError(f"ONNX Runtime cannot load graph {name!r}: {error}") from None
        # ONNX Runtime falls back in silence when a provider does not start.
        runs = session.get_providers()[0]
        if target.device != "auto" and runs != first:
            raise BackendError(
                f"device {target.device!r} was asked for, but ONNX Runtime could not start its "
                f"{_WORDS[first]} provider ({_MISSING.get(first, 'reason unknown')}) and took "
                f"{_WORDS.get(runs, runs)}; use device='cpu'"
                + (", or provider='cuda'" if first == TENSORRT else "")
            )
        self.device = "cpu"
        if runs in (CUDA, TENSORRT):
            _check_nodes(session, name, target)
            self.device = f"cuda:{target.index}"
            self._bound = BoundSession(
                session,
                name,
                target.index,
                captures=bool(target.options.cuda_graph),
                stream=stream,
                driver=open_driver if driver is None else lambda: driver,
            )
        self._session = session
        self.why = _reason(target, wanted, available, runs)
        self.precision = "fp16" if target.precision == "fp16" else "fp32"

    def _run(
        self, inputs: Mapping[str, Array], on_device: bool, cancel: CancelToken | None
    ) -> dict[str, Any]:
        session, bound = self._session, self._bound
        if session is None:
            raise self._closed()
        if cancel is None:
            return self._outputs(session, bound, inputs, on_device, None)
        options = ort.RunOptions()

        def terminate() -> None:
            options.terminate = True

        with cancel.calling(terminate):
            return self._outputs(session, bound, inputs, on_device, options)

    def _outputs(
        self,
        session: Any,
        bound: BoundSession | None,
        inputs: Mapping[str, Array],
        on_device: bool,
        options: Any,
    ) -> dict[str, Any]:
        if bound is not None:
            return bound.run(inputs, on_device, options)
        given = self._refuse_gpu(inputs, on_device)
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, given, options), strict=True))

    def _close(self) -> None:
        """Free the session; arrays on the GPU that were handed out keep what they need of it."""
        self._session = self._bound = None

    def _foreign(self) -> list[Any]:
        return [self._session, self._bound]


def _options(target: Target) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # errors reach the user as BackendError
    # Threads of a graph that has ended go on looking for work, which takes processors from what
    # runs next: the next graph, the solver.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Within a graph they look for 1 ms by default, which other processes pay for: a fifth of all
    # processor time on two busy processors.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN)
    # Of a GPU's nodes it is told which ended up on the CPU, see `_check_nodes`.
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # Always a number: left to itself ONNX Runtime counts the machine's processors, not those that
    # this process may use, and complains on stderr where it cannot have them.
    options.intra_op_num_threads = graph_threads(target.threads)
    return options


def _check_nodes(session: Any, name: str, target: Target) -> None:
    """Say which nodes of a graph for a GPU are left on the CPU; refuse it for a named device.

    Shapes and indices are computed there on purpose, so operators that only such work needs do not
    count.

    Raises
    ------
    BackendError
        When a device was named and operators of the network itself run on the CPU.
    """
    try:
        parts = session.get_provider_graph_assignment_info()
    except Exception:  # before ONNX Runtime 1.24 it cannot be told
        logger.debug("graph %s: this ONNX Runtime does not say where its nodes run", name)
        return
    count = sum(len(part.get_nodes()) for part in parts)
    left = Counter(
        node.op_type for part in parts if part.ep_name == CPU for node in part.get_nodes()
    )
    network = {kind: n for kind, n in left.items() if kind not in _FOR_SHAPES}
    if not network:
        logger.debug("graph %s: %d of %d nodes, for shapes, on the CPU", name, left.total(), count)
        return
    text = (
        f"{sum(network.values())} of {count} nodes of graph {name!r} run on the CPU, because ONNX "
        f"Runtime's GPU provider does not have them: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(network.items()))
    )
    if target.device != "auto":
        raise BackendError(
            f"device {target.device!r} was asked for, but {text}; use device='auto' to allow that, "
            "another precision, or a later onnxruntime-gpu"
        )
    logger.warning("%s", text)


def _own_stream(target: Target, available: Sequence[str]) -> tuple[CudaDriver | None, int | None]:
    """A stream for a graph that is to be timed on its GPU; none where it runs on the CPU."""
    if not target.options.timed or target.device == "cpu" or not {CUDA, TENSORRT} & set(available):
        return None, None
    try:
        driver = open_driver()
        with driver.current(target.index):
            return driver, driver.make_stream()
    except BackendError:  # no GPU: whether that is an error is said when the session is made
        return None, None


def _reason(target: Target, wanted: Sequence[str], available: Sequence[str], runs: str) -> str:
    if target.device != "auto":
        return f"device {target.device!r} was asked for"
    if wanted[0] == CPU:
        return "provider 'cpu' was asked for"
    reasons = []
    for provider in wanted:
        word = _WORDS[provider]
        if provider == runs:
            break
        if provider in available:
            missing = _MISSING[provider]
            reasons.append(f"this ONNX Runtime's {word} provider did not start ({missing})")
        else:
            reasons.append(f"this ONNX Runtime has no {word} provider")
    if runs != CPU:
        reasons.append(f"this ONNX Runtime's {_WORDS[runs]} provider started")
    return "; ".join(reasons)
