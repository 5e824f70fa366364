"""What the models of all methods share: their graphs and how they end."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..device_array import Array, DeviceArray
from ..errors import BundleError, InputError
from ..native.checks import thread_count
from ..pictures.decoding import ImageLike, read_lightness
from ..pictures.geometry import WorkingSize, resize, working_shape
from ..runtime.graph import Graph, Target
from ..trace import span
from ..verification import Loader

__all__ = ["Model", "Outputs", "load_graphs", "loader_for", "read_at_two_sizes"]

Self = TypeVar("Self", bound="Model")


class Outputs:
    """A graph's outputs: on its GPU, when it runs on one, until they are looked at.

    So what goes from one graph into the next does not pass through the host.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, Array]) -> None:
        self._found: Mapping[str, NDArray[Any] | DeviceArray]
        if graph.device.startswith("cuda"):
            self._found = graph.run(inputs, on_device=True)
        else:
            self._found = graph.run(inputs)
        self._fetched: dict[str, NDArray[Any]] = {}

    def given(self, *names: str) -> dict[str, Array]:
        """Outputs as they are, for another graph on the same device."""
        return {name: self._found[name] for name in names}

    def host(self, name: str) -> NDArray[Any]:
        """An output on the host, copied there once."""
        found = self._found[name]
        if not isinstance(found, DeviceArray):
            return found
        if name not in self._fetched:
            self._fetched[name] = found.numpy()
        return self._fetched[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an output."""
        return self._found[name].shape


class Model:
    """A loaded model; as a context manager it is closed at the end.

    Attributes
    ----------
    name : str
        The bundle's.
    method : str
        "levin", "lga", "disco", "rasc" or "sscn".
    threads : int or None
        CPU threads of what is not a graph; None: as many as there are processors, eight at most.
    """

    def __init__(
        self, name: str, method: str, graphs: Mapping[str, Graph], threads: int | None = None
    ) -> None:
        self.name = name
        self.method = method
        self.threads = threads
        self._graphs: Mapping[str, Graph] | None = graphs

    def _open_graphs(self) -> Mapping[str, Graph]:
        """The graphs by name; InputError when the model was closed."""
        graphs = self._graphs  # read once: another thread may close the model
        if graphs is None:
            raise InputError(f"model {self.name!r} was closed; load it again")
        return graphs

    @property
    def graphs(self) -> Mapping[str, Graph]:
        """The loaded graphs by name; none for `levin` and after `close`."""
        return dict(self._graphs or {})

    def close(self) -> None:
        """Free the graphs; canvases that still need one for rendering cannot render any more."""
        for graph in (self._graphs or {}).values():
            graph.close()
        self._graphs = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def load_graphs(
    bundle: Bundle, target: Target, wanted: Mapping[str, tuple[Set[str], Set[str]]]
) -> dict[str, Graph]:
    """Load graphs after a look at what they lead from and to.

    Parameters
    ----------
    wanted : mapping of graph to (names of inputs, names of outputs)

    Raises
    ------
    BundleError
        When a graph is missing or is another one.
    """
    for name, sides in wanted.items():
        entry = bundle.manifest.graphs.get(name)
        found = entry and ({t.name for t in entry.inputs}, {t.name for t in entry.outputs})
        if found != sides:
            shown = "none" if not found else _described(*found)
            raise BundleError(
                f"{bundle.path}: a bundle of {bundle.manifest.method} has a graph {name!r} "
                f"{_described(*sides)}; this one has {shown}"
            )
    load = loader_for(target)
    return {name: load(bundle, name, target) for name in wanted}


def loader_for(target: Target) -> Loader:
    """Who loads a bundle's graphs: as they are, in half precision, or as engines."""
    if target.runtime == "onnxruntime" and target.precision == "fp16":
        from ..engines import load_halved

        return load_halved
    if target.runtime != "tensorrt":
        return Bundle.load
    from ..engines import load_engine  # imports more than most need

    return load_engine


def _described(inputs: Set[str], outputs: Set[str]) -> str:
    return f"from {', '.join(sorted(inputs))} to {', '.join(sorted(outputs))}"


def read_at_two_sizes(
    image: ImageLike, size: WorkingSize, default: int, threads: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """CIE L of a picture in [0, 100], at its own size and at the working size."""
    with span("preprocessing"):
        lightness = read_lightness(image, thread_count(threads))
        shape = working_shape((lightness.shape[0], lightness.shape[1]), size, default)
        return lightness, np.clip(resize(lightness, shape), np.float32(0), np.float32(100))
