"""Which groups of layers stay in float32 when the others are in INT8.

How sensitive each group is comes from one pass: the exact graph's outputs are kept, and the graph
is run with that group alone in INT8 on the inputs that calibration recorded. Groups are kept in
the order of that error for the work that they do, as few as are needed; whether they suffice is
measured on whole pictures, whose colours in float32 are made once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.accuracy.pictures import Fidelity, Reference
from colordeploy.accuracy.tolerances import MAXIMUM_MEAN_AB
from colordeploy.bundle import Bundle
from colordeploy.loading import graph_loader
from colordeploy.methods.model import Model, ModelOptions
from colordeploy.models import model_of
from colordeploy.pictures.decoding import ImageLike
from colordeploy.runtime.graph import Graph, Target, load_graph

from .quantize import Feeds, QuantizedGraph
from .unfinished import Unfinished

__all__ = ["ON_CPU", "PLAIN", "SEARCHED", "Kept", "Mixed", "Search"]

Kept = Mapping[str, tuple[str, ...]]  # patterns of layers in float32, by graph
Group = tuple[str, str]  # graph and pattern

PLAIN = Target(backend="onnxruntime", device="cpu")
SEARCHED = 4  # pictures that the search looks at
ON_CPU = ModelOptions("cpu")
_AIM = 0.5 * MAXIMUM_MEAN_AB  # on training pictures; others may be worse
_MINIMUM_WORK = 0.25  # of what could be in INT8: with less there is no speed to be had
_NAMED = 3  # groups that an error names


@dataclass
class Mixed:
    """A bundle's graphs in INT8 but for the layers that are kept.

    Attributes
    ----------
    feeds : mapping of graph to inputs
        Of the pictures that are searched on.
    """

    bundle: Bundle
    graphs: Mapping[str, QuantizedGraph]
    feeds: Mapping[str, Feeds]
    kept: Kept

    def content(self, graph: str) -> bytes:
        return self.graphs[graph].mixed(self.kept.get(graph, ()))

    def load(self, graph: str) -> Graph:
        return load_graph(self.content(graph), PLAIN, f"{self.bundle.manifest.name}/{graph}")

    def model(self) -> Model:
        return model_of(self.bundle, self.load, ON_CPU)

    def exact(self) -> Model:
        return model_of(self.bundle, graph_loader(self.bundle, PLAIN), ON_CPU)

    def work(self, kept: Kept | None = None) -> float:
        """Multiplications in INT8."""
        kept = self.kept if kept is None else kept
        return sum(graph.work(kept.get(name, ())) for name, graph in self.graphs.items())

    @property
    def share(self) -> float:
        """The share of the multiplications in INT8, out of those that could be."""
        return self.work() / self.work({})


class Search:
    """Finds `Mixed.kept`.

    Parameters
    ----------
    mixed : Mixed
        Its ``kept`` stays in float32 in any case, and is extended by `run`.
    pictures : sequence of pictures
        Of the training split.
    unfinished : Unfinished
        Keeps what was measured.
    say : callable
        Told about every step.
    """

    def __init__(
        self,
        mixed: Mixed,
        pictures: Sequence[ImageLike],
        unfinished: Unfinished,
        say: Callable[[str], None],
    ) -> None:
        self._mixed, self._pictures = mixed, pictures
        self._unfinished, self._say = unfinished, say
        self._asked = mixed.kept
        self._exact: dict[str, list[Mapping[str, NDArray[Any]]]] = {}  # outputs in float32

    @cached_property
    def _reference(self) -> Reference:
        with self._mixed.exact() as exact:
            return Reference(exact, self._pictures)

    def _colored(self, mixed: Mixed) -> float:
        """The mean error of the pictures' colours in ab."""

        def measured() -> float:
            with mixed.model() as model:
                return self._reference.compare(model).mean

        return self._unfinished.number(f"colours {sorted(mixed.kept.items())}", measured)

    def run(self) -> None:
        """Keep as few groups in float32 as bring the colours near enough.

        Raises
        ------
        ValueError
            When too little work would be left in INT8.
        """
        mixed = self._mixed
        error = self._colored(mixed)
        self._say(f"all layers in INT8: off by {error:.3f} ab on average")
        if error <= _AIM:
            return
        order = self._order
        kept = order[: _least(1, len(order), lambda count: self._holds(order[:count]))]
        # A large group that came last may be enough without many that came before it.
        rest, last = kept[:-1], kept[-1:]
        needed = _least(0, len(rest), lambda count: self._holds([*rest[:count], *last]))
        mixed.kept = _extended(self._asked, [*rest[:needed], *last])
        if mixed.share < _MINIMUM_WORK:
            raise ValueError(
                f"{mixed.bundle.manifest.name} holds in INT8 only with {mixed.share:.0%} of the "
                f"work in it, which makes nothing faster; {self.worst()}. Use half precision"
            )

    def _holds(self, groups: Sequence[Group]) -> bool:
        """Whether the colours are near enough with these groups in float32."""
        mixed = replace(self._mixed, kept=_extended(self._asked, groups))
        error = self._colored(mixed)
        self._say(
            f"{len(groups)} of {len(self._order)} groups in float32: off by {error:.3f} ab, "
            f"{mixed.share:.0%} of the work in INT8"
        )
        return error <= _AIM

    @cached_property
    def _order(self) -> list[Group]:
        """Groups, first those that are off most for the work that they do."""
        whole = self._mixed.work(self._asked)
        cost = {
            key: whole - self._mixed.work(_extended(self._asked, [key]))
            for key in self._sensitivities
        }
        return sorted(self._sensitivities, key=lambda key: -self._sensitivities[key] / cost[key])

    @cached_property
    def _sensitivities(self) -> dict[Group, float]:
        """How far a graph's outputs are off with one group in INT8, of their own deviation."""
        found: dict[Group, float] = {}
        for name, graph in self._mixed.graphs.items():
            for place, group in enumerate(graph.groups, 1):
                alone = self._alone(name, group)
                if not graph.work(alone.kept[name]):
                    continue
                measured = partial(self._deviation, name, alone)
                error = found[name, group] = self._unfinished.number(f"{name}/{group}", measured)
                self._say(
                    f"{name} {place} of {len(graph.groups)}: {group} alone moves its outputs by "
                    f"{error:.2%} of their deviation"
                )
        return found

    def _alone(self, name: str, group: str) -> Mixed:
        """One group in INT8, but for what was asked to stay, and all others in float32."""
        graphs = self._mixed.graphs
        nothing = {other: tuple(graph.groups) for other, graph in graphs.items()}
        others = tuple(other for other in graphs[name].groups if other != group)
        kept = {**nothing, name: (*self._asked[name], *others)}
        return replace(self._mixed, kept=kept)

    def _deviation(self, name: str, rounded: Mixed) -> float:
        """Root mean square error over the deviation, of the output where it is largest."""
        feeds = self._mixed.feeds[name]
        if name not in self._exact:
            graph = graph_loader(self._mixed.bundle, PLAIN)(name)
            self._exact[name] = [graph.run(feed) for feed in feeds]
        exact, other = self._exact[name], rounded.load(name)
        found = [other.run(feed) for feed in feeds]
        ratios = []
        for output in exact[0]:
            wanted = np.concatenate([one[output].ravel() for one in exact]).astype(np.float64)
            given = np.concatenate([one[output].ravel() for one in found])
            ratios.append(np.sqrt(np.square(given - wanted).mean()) / max(wanted.std(), 1e-12))
        return float(max(ratios))

    def worst(self) -> str:
        """The groups that spoil the colours most, in words."""
        first = sorted(self._sensitivities, key=lambda key: -self._sensitivities[key])[:_NAMED]
        errors = {key: self._colored(self._alone(*key)) for key in first}
        return "by groups of layers alone: " + ", ".join(
            f"{graph}/{group} {error:.2f} ab"
            for (graph, group), error in sorted(errors.items(), key=lambda item: -item[1])
        )

    def check(self, pictures: Sequence[ImageLike]) -> Fidelity:
        """How far what was found is from float32 on other pictures."""
        with self._mixed.exact() as exact, self._mixed.model() as model:
            return Reference(exact, pictures).compare(model)


def _extended(kept: Kept, groups: Sequence[Group]) -> Kept:
    return {
        name: (*given, *(group for graph, group in groups if graph == name))
        for name, given in kept.items()
    }


def _least(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The least number that is enough; the high one is, and with a number those above it are."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
