"""The inputs of a graph on a GPU, checked: from the host or on that GPU, mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device_array import Array, DeviceView, is_device_array, view_of
from ..errors import BackendError
from .driver import Place

__all__ = ["Given", "checked_inputs", "require_names"]

Given = Mapping[str, NDArray[Any] | DeviceView]


def require_names(inputs: Mapping[str, Any], names: Mapping[str, Any], graph: str) -> None:
    """Refuse inputs that are missing or too many.

    Raises
    ------
    BackendError
    """
    if set(inputs) != set(names):
        raise BackendError(
            f"graph {graph!r} takes {', '.join(sorted(names))}, not "
            f"{', '.join(sorted(inputs)) or 'nothing'}"
        )


def checked_inputs(
    inputs: Mapping[str, Array],
    types: Mapping[str, np.dtype[Any]],
    graph: str,
    index: int,
    place_of: Callable[[int], Place],
    from_context: Callable[[DeviceView, int], DeviceView],
) -> Given:
    """Contiguous arrays of the right types, each on the host or on the graph's GPU.

    Parameters
    ----------
    types : mapping
        Of the graph's inputs by name.
    index : int
        Number of the graph's GPU.
    place_of : callable
        Where an address is.
    from_context : callable
        Brings a view over from another context of the GPU, whose handle it is told; one that lies
        in the primary context comes back as it is.

    Raises
    ------
    BackendError
        For names, types and GPUs that are not the graph's.
    """
    require_names(inputs, types, graph)
    result: dict[str, NDArray[Any] | DeviceView] = {}
    for name, dtype in types.items():
        given: Any = inputs[name]
        what = f"graph {graph!r}: {name!r}"
        array = view_of(given, what) if is_device_array(given) else np.asarray(given, order="C")
        if array.dtype != dtype:
            raise BackendError(f"{what} is {dtype}, not {array.dtype}")
        if isinstance(array, DeviceView):
            if not array.nbytes:
                array = np.empty(array.shape, array.dtype)  # there is no address to read
            else:
                place = place_of(array.address)
                if place.gpu != index:
                    raise BackendError(
                        f"{what} is on cuda:{place.gpu}, but the graph runs on cuda:{index}; "
                        "copy it there first"
                    )
                array = from_context(array, place.context)
        result[name] = array
    return result
