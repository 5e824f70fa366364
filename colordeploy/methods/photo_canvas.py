"""What the canvases of photo methods share: a photo, and layers of chroma on it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable
from typing import Any

from numpy.typing import NDArray

from ..pictures.photo import ChromaLayer, Photo
from .canvas import Canvas, CanvasKeywords
from .model import Model
from .steps import Steps

__all__ = ["PhotoCanvas"]


class PhotoCanvas(Canvas[ChromaLayer]):
    """One photo, prepared; guidance gives chroma for it."""

    def __init__(self, model: Model, photo: Photo) -> None:
        super().__init__(model, photo.size, photo.working_size)
        self._photo: Photo | None = photo

    @property
    def photo(self) -> Photo:
        """The picture at its own and at the working size."""
        photo = self._photo  # read once: another thread may close the canvas
        if photo is None:
            raise self._closed_error()
        return photo

    def _colored(
        self, key: Hashable, chroma: Callable[[Steps], NDArray[Any]], keywords: CanvasKeywords
    ) -> NDArray[Any]:
        """Pixels with the chroma (h, w, 2) of this guidance, see `Canvas._rendered`."""
        photo = self.photo
        return self._rendered(
            key, lambda steps: photo.layer(chroma(steps)), keywords, photo.compose
        )

    def _layer_bytes(self, layer: ChromaLayer) -> int:
        return layer.nbytes

    def _held(self) -> int:
        return self.photo.nbytes + self._held_besides()

    def _free(self) -> None:
        self._photo = None
        self._free_besides()

    @abstractmethod
    def _held_besides(self) -> int:
        """Bytes held besides the photo and the layers."""

    @abstractmethod
    def _free_besides(self) -> None:
        """Drop what is held besides the photo."""
