"""For which sizes of pictures engines are built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bundle import Bundle
from ..errors import BackendError
from ..manifest import TensorEntry
from ..methods import Method, find_method
from ..runtime.tensorrt.build import Profile

__all__ = ["Extent", "Sizes", "default_sizes", "extent", "profiles_of", "serves_default"]

_LARGEST = 4  # times the working size: the sides of the largest square, by default


@dataclass(frozen=True)
class Sizes:
    """Heights and widths of the working pictures that an engine serves, and is fastest for.

    Attributes
    ----------
    minimum, optimum, maximum : (height, width)
        In pixels.
    """

    minimum: tuple[int, int]
    optimum: tuple[int, int]
    maximum: tuple[int, int]

    def covers(self, size: tuple[int, int]) -> bool:
        """Whether pictures of a size are served."""
        return all(
            low <= n <= high for low, n, high in zip(self.minimum, size, self.maximum, strict=True)
        )


@dataclass(frozen=True)
class Extent:
    """All sizes that engines serve.

    Attributes
    ----------
    ranges : tuple of Sizes
    """

    ranges: tuple[Sizes, ...]

    @property
    def area(self) -> int:
        """Pixels of the largest picture."""
        return max((s.maximum[0] * s.maximum[1] for s in self.ranges), default=0)

    def __str__(self) -> str:
        def text(size: tuple[int, int]) -> str:
            return f"{size[0]}x{size[1]}"

        return ", ".join(
            text(s.optimum) if s.minimum == s.maximum else f"{text(s.minimum)} to {text(s.maximum)}"
            for s in self.ranges
        )


def default_sizes(bundle: Bundle) -> list[Sizes]:
    """What pictures of the default working size need, up to four times that size.

    Both sides may be four times the working size. Strips, whose default size keeps the area of an
    8:1 picture (`working_shape`), may be as long as that area allows: up to 32:1.
    """
    step = _multiple(bundle)
    working = bundle.integer_parameter("working_size", 1)
    optimum = -(-working // step) * step
    long = _LARGEST**2 * optimum
    return [
        Sizes((step, step), (optimum, optimum), (_LARGEST * optimum, _LARGEST * optimum)),
        Sizes((step, step), (optimum, 3 * optimum), (optimum, long)),
        Sizes((step, step), (3 * optimum, optimum), (long, optimum)),
    ]


def extent(parts: Mapping[str, Any]) -> Extent:
    """The sizes in a description of engines, see `engine_parts`."""
    return Extent(
        tuple(Sizes(*((int(h), int(w)) for h, w in given)) for given in parts.get("sizes", ()))
    )


def serves_default(parts: Mapping[str, Any], bundle: Bundle) -> bool:
    """Whether engines serve a square picture of the bundle's working size."""
    optimum = default_sizes(bundle)[0].optimum
    return any(sizes.covers(optimum) for sizes in extent(parts).ranges)


def profiles_of(bundle: Bundle, graph: str, sizes: Sequence[Sizes]) -> list[Profile]:
    """A graph's input shapes for working pictures of certain sizes, padded to its multiple.

    One more profile serves the golden vectors, so that engines can be verified whatever sizes they
    are for.

    Raises
    ------
    BackendError
        When a graph has a free dimension that nothing is known of.
    """
    step, method = _multiple(bundle), _method(bundle)
    inputs = bundle.manifest.graphs[graph].inputs

    def shapes(size: tuple[int, int], which: str) -> dict[str, tuple[int, ...]]:
        height, width = (-(-n // step) * step for n in size)
        free = {"batch": 1, "height": height, "width": width}
        free |= {
            name: getattr(dimension, which)(height, width)
            for name, dimension in method.dimensions.items()
        }
        return {entry.name: _shape(bundle, graph, entry, free) for entry in inputs}

    made = [
        Profile(
            shapes(s.minimum, "minimum"), shapes(s.optimum, "optimum"), shapes(s.maximum, "maximum")
        )
        for s in sizes
    ]
    return [*made, *_golden_profile(bundle, graph)]


def _shape(
    bundle: Bundle, graph: str, entry: TensorEntry, free: Mapping[str, int]
) -> tuple[int, ...]:
    result = []
    for dimension in entry.shape:
        name, _, divisor = str(dimension).partition("/")
        if isinstance(dimension, int):
            result.append(dimension)
        elif name in free:
            result.append(max(1, free[name] // int(divisor or 1)))
        else:
            raise BackendError(
                f"{bundle.path}: graph {graph!r} has a free dimension {dimension!r} that this "
                "version does not know; update colordeploy"
            )
    return tuple(result)


def _golden_profile(bundle: Bundle, graph: str) -> list[Profile]:
    golden, inputs = bundle.golden(), bundle.manifest.graphs[graph].inputs
    minimum, maximum = {}, {}
    for entry in inputs:
        found = [
            array.shape
            for key, array in golden.items()
            if key.startswith(f"{graph}/") and key.endswith(f"/input/{entry.name}")
        ]
        if not found:
            return []
        minimum[entry.name] = tuple(map(min, zip(*found, strict=True)))
        maximum[entry.name] = tuple(map(max, zip(*found, strict=True)))
    return [Profile(minimum, maximum, maximum)]


def _method(bundle: Bundle) -> Method:
    found = find_method(bundle.manifest.method)
    if found is None:
        raise BackendError(
            f"{bundle.path}: method {bundle.manifest.method!r} is not known to this version; "
            "update colordeploy"
        )
    return found


def _multiple(bundle: Bundle) -> int:
    return bundle.integer_parameter(_method(bundle).multiple, 1)
