"""What part of a result is wanted, and the picture without colours in the same place."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..pictures.picture import Picture
from ..pictures.rendering import preview_shape

__all__ = ["Region", "View", "gray_of", "guidance_is_empty", "place_of", "view_of"]

View = dict[str, Any]
Region = tuple[int, int, int, int]


def view_of(message: dict[str, Any]) -> View:
    """What a message wants to see; InputError when that is no object, or its numbers are none."""
    view = message.get("view")
    if view is None:
        return {}
    if not isinstance(view, dict):
        raise InputError(f"view is an object, not {view!r:.60}")
    view = {name: value for name, value in view.items() if value is not None}
    saturation, size = view.get("saturation", 1.0), view.get("size", 1)
    number = isinstance(saturation, (int, float)) and not isinstance(saturation, bool)
    if not number or not 0 <= saturation <= 2:
        raise InputError(f"saturation is a number from 0 to 2, not {saturation!r:.60}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise InputError(f"size is a short side of at least 1 pixel, not {size!r:.60}")
    if not isinstance(view.get("draft", False), bool):
        raise InputError(f"draft is true or false, not {view['draft']!r:.60}")
    return view


def place_of(view: View, picture: tuple[int, int]) -> tuple[Region | None, tuple[int, int]]:
    """The region that a view wants, if any, and the shape of its pixels.

    Raises
    ------
    InputError
        When the region is malformed, empty or outside the picture, or the size no short side.
    """
    region, size = view.get("region"), view.get("size")
    if region is None:
        return None, picture if size is None else preview_shape(picture, size)
    if not (isinstance(region, list) and len(region) == 4):
        raise InputError(f"a region is [y0, x0, y1, x1], not {region!r:.60}")
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in region):
        raise InputError(f"a region is four whole numbers, not {region!r:.60}")
    y0, x0, y1, x1 = region
    if not (0 <= y0 < y1 <= picture[0] and 0 <= x0 < x1 <= picture[1]):
        raise InputError(
            f"the region {region} is empty or leaves the picture of "
            f"{picture[1]}x{picture[0]} pixels"
        )
    return (y0, x0, y1, x1), (y1 - y0, x1 - x0)


def guidance_is_empty(command: str, guidance: Any) -> bool:
    """Whether there is nothing to colour by: null, strokes without one, no example yet."""
    if guidance is None:
        return True
    if not isinstance(guidance, dict):
        return False
    need: dict[str, Literal["strokes", "reference"]] = {
        "scribble": "strokes", "exemplar": "reference",
    }  # fmt: skip
    name = need.get(command)
    return name is not None and not guidance.get(name)


def gray_of(picture: Picture, region: Region | None, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture without colours, a region of it or smaller: (h, w, 1) uint8."""
    from ..native import resample
    from ..pictures.decoding import read_luma

    samples = picture.samples
    if region is not None:
        samples = samples[region[0] : region[2], region[1] : region[3]]
    plane = read_luma(Picture(samples))
    if plane.shape != shape:
        plane = resample(plane, shape)
    return (np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8)[..., None]
