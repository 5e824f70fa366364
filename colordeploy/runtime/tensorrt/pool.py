"""An engine's contexts: a pool of slots, each set to the shapes that it is taken for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...errors import BackendError
from ..gpu import Device
from .slot import Shapes, Slot

__all__ = ["SlotPool", "refused"]

_MAXIMUM_IDLE = 8  # slots that are kept; each holds the memory of a run


class SlotPool:
    """Slots of one engine, one for each run at once; safe to use from several threads.

    Parameters
    ----------
    engine, config
        TensorRT's, config None where it has none.
    device : Device
    name : str
        What to call the graph in messages.
    outputs : sequence of str
    said : callable
        What TensorRT said last.
    """

    def __init__(
        self,
        engine: Any,
        config: Any,
        device: Device,
        name: str,
        outputs: Sequence[str],
        said: Callable[[], str],
    ) -> None:
        self._engine, self._config, self._gpu = engine, config, device
        self._outputs = outputs
        self._name, self._said = name, said
        self._idle: list[Slot] = []
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, shapes: Shapes) -> Iterator[Slot]:
        """A slot that is set to the shapes of the inputs, for one run.

        Raises
        ------
        BackendError
            When no profile of the engine serves the shapes, when TensorRT makes no context, and
            once the pool was closed.
        """
        with self._lock:
            engine, config = self._engine, self._config
            alike = [i for i, slot in enumerate(self._idle) if slot.shapes == shapes]
            slot = self._idle.pop(alike[-1] if alike else -1) if self._idle else None
        if engine is None:
            raise BackendError(f"graph {self._name!r} was closed; load the model again")
        if slot is None:
            context = (
                engine.create_execution_context()
                if config is None
                else engine.create_execution_context(config)
            )
            if context is None:
                raise BackendError(
                    f"graph {self._name!r}: no context could be made "
                    f"({self._said()}); close other models, or use fewer threads"
                )
            slot = Slot(context, self._gpu, engine)
        try:
            self._shape(slot, shapes)
            yield slot
        finally:
            with self._lock:
                closed = self._engine is None
                kept = not closed and len(self._idle) < _MAXIMUM_IDLE
                if kept:
                    self._idle.append(slot)
            if not kept:
                slot.free()

    def close(self) -> None:
        """Free the slots that are idle; those in use are freed when their runs end."""
        with self._lock:
            self._engine = self._config = None
            slots, self._idle = self._idle, []
        with self._gpu.current():
            for slot in slots:
                slot.free()

    def _shape(self, slot: Slot, shapes: Shapes) -> None:
        """Choose a profile that serves the shapes, the present one if it does."""
        if slot.shapes == shapes:
            return
        slot.touch()
        slot.shapes = {}  # until the context knows all of them
        count = slot.engine.num_optimization_profiles
        order = sorted(range(count), key=lambda i: i != slot.profile)
        for profile in order:
            if not all(_serves(slot.engine, profile, n, shape) for n, shape in shapes.items()):
                continue
            if profile != slot.profile:
                if not slot.context.set_optimization_profile_async(profile, slot.stream):
                    raise refused("a profile", self._name, self._said())
                slot.profile = profile
            if all(slot.context.set_input_shape(name, shape) for name, shape in shapes.items()):
                slot.shapes = shapes
                slot.outputs = {n: tuple(slot.context.get_tensor_shape(n)) for n in self._outputs}
                return
        allowed = "; ".join(
            f"{name} {tuple(minimum)} to {tuple(maximum)}"
            for profile in range(count)
            for name in shapes
            for minimum, _, maximum in [slot.engine.get_tensor_profile_shape(name, profile)]
        )
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise BackendError(
            f"the engine of graph {self._name!r} does not serve {given}; it serves {allowed}. "
            "Build one that does: colordeploy engine build --profile or --size"
        )


def refused(what: str, name: str, said: str) -> BackendError:
    """What to say when TensorRT does not take something for a graph."""
    return BackendError(
        f"TensorRT did not take {what} for graph {name!r} ({said}); "
        "load the model again, or build its engine again: colordeploy engine build"
    )


def _serves(engine: Any, profile: int, name: str, shape: tuple[int, ...]) -> bool:
    """Whether one of an engine's profiles allows a shape."""
    minimum, _, maximum = engine.get_tensor_profile_shape(name, profile)
    return len(minimum) == len(shape) and all(
        a <= n <= b for a, n, b in zip(minimum, shape, maximum, strict=True)
    )
