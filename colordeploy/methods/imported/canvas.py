"""A picture coloured by an imported network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...pictures.geometry import resize
from ...pictures.photo import Photo
from ..canvas import CanvasKeywords
from ..photo_canvas import PhotoCanvas
from ..steps import Steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import ImportedModel

__all__ = ["ImportedCanvas"]


class ImportedCanvas(PhotoCanvas):
    """One picture with the chroma that the network gave it.

    Made by `ImportedModel.prepare`. Safe to use from several threads.
    """

    _model: ImportedModel

    def __init__(self, model: ImportedModel, photo: Photo, steps: Steps) -> None:
        super().__init__(model, photo)
        steps(0.1, "network")
        interface = model.interface
        height, width = photo.working_size
        plane = photo.working
        if interface.side is None:
            pad = -height % interface.multiple, -width % interface.multiple
        else:
            pad = interface.side - height, interface.side - width
        padded = np.pad(plane, ((0, pad[0]), (0, pad[1])), mode="edge")
        (graph,) = model.open_graphs().values()
        found = graph.run({model.input: interface.encoded(padded)}, cancel=steps.cancel)
        chroma = interface.chroma(found[model.output])
        self._chroma: NDArray[np.float32] | None = resize(chroma, padded.shape)[:height, :width]
        self._where = graph.device

    @property
    def device(self) -> str:
        """Where the network ran: "cpu" or "cuda:N"."""
        return self._where

    @property
    def chroma(self) -> NDArray[np.float32]:
        """What the network says at the working size, (h, w, 2): CIE a and b, or U and V."""
        chroma = self._chroma  # read once: another thread may close the canvas
        if chroma is None:
            raise self._closed_error()
        return chroma

    def render(self, guidance: None = None, **keywords: Unpack[CanvasKeywords]) -> NDArray[Any]:
        """Colour the picture.

        Parameters
        ----------
        guidance : None
            The network takes none.
        **keywords
            See `CanvasKeywords`: region, size, output, saturation, out, cancel, progress.

        Returns
        -------
        (H, W, 3) uint8 sRGB, or what `keywords` ask for
            The picture's own lightness with the network's chroma; the caller's own memory.

        Raises
        ------
        InputError
            For any guidance, and keywords out of range.
        Cancelled
            When the token was cancelled.
        """
        if guidance is not None:
            raise InputError(
                f"{self._model.name} colours by itself and takes no anchors or strokes; to mend "
                "its result give it to a scribble model as the base"
            )
        chroma = self.chroma
        return self._colored((), lambda steps: chroma, keywords)

    def _held_besides(self) -> int:
        return self.chroma.nbytes

    def _free_besides(self) -> None:
        self._chroma = None
