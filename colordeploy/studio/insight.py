"""What a canvas knows of a place, for a page that shows it under the pointer."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..pictures.rendering import preview_shape
from .guidance import describe_anchor, number_of, points_of
from .store import HeldCanvas

__all__ = ["affinities", "anchor", "matches", "regions", "require"]

_MAXIMUM_PLACES = 10_000
_LARGEST_LABEL = 1 << 24  # three channels of eight bits


def affinities(held: HeldCanvas, y: Any, x: Any, size: int | None) -> bytes:
    """Affinity of one pixel with every other, a grey PNG: 255 at the pixel itself."""
    from ..native import resample

    require(held, "scribble", "affinities")
    height, width = held.canvas.size
    row, column = round(number_of(y, "y")), round(number_of(x, "x"))
    plane = held.canvas.affinity(row, column)
    shape = _shape((height, width), size)
    if plane.shape != shape:
        plane = resample(plane, shape)
    return _png((np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8))


def regions(held: HeldCanvas, size: int | None) -> bytes:
    """The regions of a drawing, a PNG: label = red + 256 green + 65536 blue, 0 on lines.

    Smaller than the drawing, each pixel has the label at its middle.
    """
    require(held, "sketch", "regions")
    labels = held.canvas.regions
    shape = _shape(labels.shape, size)
    rows, columns = (
        ((np.arange(part) + 0.5) * whole / part).astype(int)
        for part, whole in zip(shape, labels.shape, strict=True)
    )
    small = labels[np.ix_(rows, columns)] if shape != labels.shape else labels
    channels = [(small >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)]
    if labels.max(initial=0) >= _LARGEST_LABEL:
        raise InputError(f"the drawing has more than {_LARGEST_LABEL} regions")
    return _png(np.stack(channels, axis=-1))


def anchor(held: HeldCanvas, y: Any, x: Any) -> dict[str, Any]:
    """An anchor for a place, with candidates."""
    require(held, "auto", "anchors")
    return describe_anchor(held.canvas.anchor_at(number_of(y, "y"), number_of(x, "x")))


def matches(held: HeldCanvas, points: Any, reference: Any) -> dict[str, Any]:
    """Where places of the picture look in an example: both in pixels of their own files' pictures.

    Parameters
    ----------
    held : HeldCanvas
    points : list of [y, x], of JSON
    reference : Reference
    """
    places = points_of(points, "points", _MAXIMUM_PLACES)
    found = held.canvas.matches(reference, places) if places else []
    height, width = reference.picture.shape[:2]
    return {
        "height": height,
        "width": width,
        "matches": [
            {
                "y": match.y, "x": match.x, "weight": round(match.weight, 5),
                "reference_y": round(match.reference_y, 2),
                "reference_x": round(match.reference_x, 2),
            }
            for match in found
        ],
    }  # fmt: skip


def require(held: HeldCanvas, command: str, what: str) -> None:
    """InputError when the canvas is of another tool."""
    if held.command != command:
        raise InputError(f"{held.model} has no {what}; prepare the picture for another model")


def _shape(whole: tuple[int, int], size: int | None) -> tuple[int, int]:
    return whole if size is None else preview_shape(whole, size)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
