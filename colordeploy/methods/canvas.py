"""What the canvases of all methods share: one picture, prepared, of which pixels are rendered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..abandoning import abandonable
from ..cancellation import CancelToken
from ..errors import InputError
from ..pictures.rendering import Rendering, RenderKeywords
from .model import Model, Unpicklable
from .steps import CallKeywords, Steps

__all__ = ["Canvas", "CanvasKeywords", "Kept"]

_Layer = TypeVar("_Layer")
_KEPT = 2  # guidances whose colours are kept: the shown one and the one being edited
Self = TypeVar("Self", bound="Canvas[Any]")


class CanvasKeywords(RenderKeywords, CallKeywords, total=False):
    """Keyword arguments of every canvas's ``render``: `RenderKeywords` and `CallKeywords`."""


class Kept(Generic[_Layer]):
    """The last few results by what they were made of; safe to use from several threads."""

    def __init__(self, count: int = _KEPT) -> None:
        self._count = count
        self._results: dict[Hashable, _Layer] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], _Layer]) -> _Layer:
        """The result for a key, made when it is not there; two threads may both make it."""
        with self._lock:
            if key in self._results:
                self._results[key] = self._results.pop(key)  # the latest is the last to leave
                return self._results[key]
        result = make()
        with self._lock:
            self._results[key] = result
            while len(self._results) > self._count:
                del self._results[next(iter(self._results))]
        return result

    def values(self) -> list[_Layer]:
        """All that is kept."""
        with self._lock:
            return list(self._results.values())

    def clear(self) -> None:
        """Drop all that is kept."""
        with self._lock:
            self._results.clear()


class Canvas(Unpicklable, ABC, Generic[_Layer]):
    """One picture, prepared; colours for guidance as often as the user edits.

    Rendering splits in two: a layer (the colours that guidance gives, at the working size, kept for
    the next call with the same guidance) and the pixels composed of it, as many as are wanted.
    """

    def __init__(self, model: Model, size: tuple[int, int], working_size: tuple[int, int]) -> None:
        self._model = model
        self._size, self._working_size = size, working_size
        self._closed = False
        self._layers: Kept[_Layer] = Kept()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._size

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which colours are computed."""
        return self._working_size

    @property
    @abstractmethod
    def device(self) -> str:
        """Where guidance turns into colours: "cpu" or "cuda:N"."""

    @property
    def nbytes(self) -> int:
        """Bytes held for this picture, on the host and on the device; 0 after `close`."""
        if self._closed:
            return 0
        return self._held() + sum(self._layer_bytes(layer) for layer in self._layers.values())

    def close(self) -> None:
        """Free what is held for this picture; the canvas cannot be used any more."""
        if self._closed:
            return
        self._closed = True
        self._layers.clear()
        self._free()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abstractmethod
    def _held(self) -> int:
        """Bytes held besides the layers."""

    @abstractmethod
    def _layer_bytes(self, layer: _Layer) -> int:
        """Bytes of a layer."""

    @abstractmethod
    def _free(self) -> None:
        """Drop what is held."""

    def _closed_error(self) -> InputError:
        return InputError("this canvas was closed; prepare the picture again")

    def _require_open(self) -> None:
        if self._closed:
            raise self._closed_error()

    @contextmanager
    def _working(self, steps: Steps) -> Iterator[None]:
        """One of the model's turns, while the canvas is open."""
        self._require_open()
        with self._model.turn(steps):
            self._require_open()
            yield

    def _rendered(
        self,
        key: Hashable,
        layer: Callable[[Steps], _Layer],
        keywords: CanvasKeywords,
        compose: Callable[[_Layer, Rendering, CancelToken | None], NDArray[Any]],
    ) -> NDArray[Any]:
        """The layer of this guidance, kept or new, and the wanted pixels of it.

        Parameters
        ----------
        key : hashable
            All that the layer depends on.
        layer : callable
            Makes the layer; it may go on for a while after the call was cancelled, and reports no
            progress.
        keywords : CanvasKeywords
            As ``render`` was given them.
        compose : callable
            Makes the wanted pixels of the layer.
        """
        wanted: dict[str, Any] = dict(keywords)
        steps = Steps(wanted.pop("cancel", None), wanted.pop("progress", None))
        rendering = Rendering.of(self._size, **wanted)
        with self._working(steps):
            steps(0.0, "colours")
            # What a GPU is given is queued in no time, in the context of the calling thread.
            made = abandonable(
                lambda: self._layers.get(key, lambda: layer(steps)),
                steps.cancel if self.device == "cpu" else None,
            )
            steps(0.5, "pixels")
            result = compose(made, rendering, steps.cancel)
        steps(1.0, "done")
        return result


def checked_position(
    size: tuple[int, int], y: float, x: float, name: str = ""
) -> tuple[float, float]:
    """A position inside a picture.

    Raises
    ------
    InputError
        When it is not.
    """
    if not (np.isfinite([y, x]).all() and 0 <= y < size[0] and 0 <= x < size[1]):
        what = f"{name} at ({y}, {x})" if name else f"({y}, {x})"
        raise InputError(f"{what} is outside the picture of {size[0]}x{size[1]} pixels")
    return y, x
