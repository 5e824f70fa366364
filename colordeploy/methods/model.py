"""What the models of all methods share: their graphs, their turns, and how they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ..bundle import Bundle
from ..errors import BundleError, InputError
from ..pictures.decoding import ImageLike
from ..runtime.graph import Graph
from .method import GraphLoader
from .steps import Steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .canvas import Canvas
    from .prepare import PrepareKeywords

__all__ = ["Model", "ModelOptions", "Unpicklable", "check_graphs", "open_graphs"]

Self = TypeVar("Self", bound="Model")


@dataclass(frozen=True)
class ModelOptions:
    """What `colordeploy.load` was told besides where graphs run.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda" or "cuda:N": also of work that is no graph's, such as the solver's.
    threads : int or None
        CPU threads of what is not a graph; None: as many as this process may use, eight at most.
    max_concurrency : int or None
        How many prepares and renders run at once; the rest wait. None: no limit.
    """

    device: str = "auto"
    threads: int | None = None
    max_concurrency: int | None = None


class Unpicklable:
    """What cannot leave its process: pickling and copying it say what to do instead."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse, with what to do instead.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"a {type(self).__name__} holds loaded graphs and cannot be pickled or copied; call "
            "colordeploy.load in the worker process and prepare the picture there (strokes, "
            "anchors and references can be pickled)"
        )


class Model(Unpicklable, ABC):
    """A loaded model; as a context manager it is closed at the end.

    Attributes
    ----------
    name : str
        The bundle's.
    method : str
        Name of its method, see `colordeploy.methods`.
    options : ModelOptions
    """

    def __init__(
        self, name: str, method: str, graphs: Mapping[str, Graph], options: ModelOptions
    ) -> None:
        self.name = name
        self.method = method
        self.options = options
        self._graphs: Mapping[str, Graph] | None = graphs
        limit = options.max_concurrency
        self._turns = None if limit is None else BoundedSemaphore(limit)

    @abstractmethod
    def prepare(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> Canvas[Any]:
        """Compute everything that depends on the picture alone, once for all guidance.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            See `colordeploy.pictures.decoding.read_samples`.
        **keywords
            See `PrepareKeywords`: size, cancel, progress.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty.
        Cancelled
            When the token was cancelled.
        """

    @property
    def threads(self) -> int | None:
        """CPU threads of what is not a graph; None: as many as there may be, eight at most."""
        return self.options.threads

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._graphs is None

    @property
    def graphs(self) -> Mapping[str, Graph]:
        """The loaded graphs by name; none for a method without networks and after `close`."""
        return dict(self._graphs or {})

    def close(self) -> None:
        """Free the graphs; what needs one of them is refused from then on, canvases' work too."""
        graphs, self._graphs = self._graphs, None
        for graph in (graphs or {}).values():
            graph.close()

    def open_graphs(self) -> Mapping[str, Graph]:
        """The graphs by name.

        Raises
        ------
        InputError
            When the model was closed.
        """
        graphs = self._graphs  # read once: another thread may close the model
        if graphs is None:
            raise InputError(f"model {self.name!r} was closed; load it again")
        return graphs

    @contextmanager
    def turn(self, steps: Steps) -> Iterator[None]:
        """One of the `max_concurrency` turns at this model; waits for it."""
        if self._turns is None:
            yield
            return
        steps.wait_for(self._turns)
        try:
            yield
        finally:
            self._turns.release()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_graphs(bundle: Bundle, wanted: Mapping[str, tuple[Set[str], Set[str]]]) -> None:
    """Look at what a bundle's graphs lead from and to.

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


def _described(inputs: Set[str], outputs: Set[str]) -> str:
    return f"from {', '.join(sorted(inputs))} to {', '.join(sorted(outputs))}"


def open_graphs(load: GraphLoader, names: Mapping[str, Any]) -> dict[str, Graph]:
    """Load graphs; when one does not load, those before it are closed."""
    with ExitStack() as opened:
        graphs: dict[str, Graph] = {}
        for name in names:
            graphs[name] = load(name)
            opened.callback(graphs[name].close)
        opened.pop_all()
    return graphs
