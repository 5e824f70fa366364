"""A result as layers, to go on painting with in another program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..pictures.openraster import Document, DocumentLayer
from ..pictures.strokes import rasterize
from .guidance import Arguments
from .store import HeldCanvas
from .views import gray_of

__all__ = ["document_of"]


def document_of(
    held: HeldCanvas, arguments: Arguments | None, saturation: float, cancel: CancelToken
) -> Document:
    """Layers of a result.

    Parameters
    ----------
    held : HeldCanvas
    arguments : dict, optional
        Of the canvas's ``render``; None: nothing to colour by yet.
    saturation : float
    cancel : CancelToken

    Returns
    -------
    Document
        Of line art: flat colours, shading, hints and lines. Of a photo, from below: the picture
        without colours, the result, and the strokes, which are hidden.
    """
    if arguments is not None and held.command == "sketch":
        document: Document = held.canvas.document(**arguments, saturation=saturation)
        return document
    gray = np.repeat(gray_of(held.source.picture, None, held.canvas.size), 3, axis=-1)
    result, layers = gray, [DocumentLayer("picture", _opaque(gray))]
    if arguments is not None:
        result = held.canvas.render(**arguments, saturation=saturation, cancel=cancel)
        layers.append(DocumentLayer("colours", _opaque(result)))
        if arguments.get("strokes"):
            drawn = rasterize(arguments["strokes"], held.canvas.size)
            layers.append(DocumentLayer("strokes", drawn, visible=False))
    return Document(layers, result)


def _opaque(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
