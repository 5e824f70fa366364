"""Whole pictures of an archive, spread over it, for calibrating and checking INT8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colordeploy.methods import Subject

from .drawings import DrawingArchive, gray_array
from .photos import PhotoArchive

_MINIMUM_SIDE = 128


def whole_pictures(
    subject: Subject, folder: Path, split: str, count: int
) -> list[NDArray[np.float32]]:
    """So many pictures of a split: photos (H, W, 3), or the lines (H, W) of drawings.

    Parameters
    ----------
    folder : Path
        The photo archive, or the line art archive.
    """
    if subject == "drawing":
        drawn = DrawingArchive(folder, split, color_only=False).drawings
        lines = [drawing.line for drawing in drawn if drawing.line is not None]
        return [gray_array(line) for line in _spread(lines, count)]
    photos = PhotoArchive(folder, split).photos
    found: list[NDArray[np.float32]] = []
    unseen = 0  # of the index; a photo that is too small gives way to the next one
    for start in _spread(list(range(len(photos))), count):
        for place in range(max(start, unseen), len(photos)):
            unseen = place + 1
            if min(photos[place].picture().size) >= _MINIMUM_SIDE:
                found.append(photos[place].rgb())
                break
    return found


def _spread(items: list, count: int) -> list:  # type: ignore[type-arg]
    return items if count >= len(items) else [items[i * len(items) // count] for i in range(count)]
