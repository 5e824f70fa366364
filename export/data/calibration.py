"""Whole pictures of an archive or of one's own, for calibrating and checking INT8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colordeploy.batch.inputs import find_sources
from colordeploy.errors import InputError
from colordeploy.methods import Subject
from colordeploy.pictures.color import luma_of
from colordeploy.pictures.decoding import read_picture

from .drawings import DrawingArchive, gray_array
from .photos import PhotoArchive

_MINIMUM_SIDE = 128
_LONGEST = 1024  # pixels of pictures that are no archive's; larger ones are reduced to it
_CHECKED = 3  # every so many of them is for checking, and calibrates nothing


def whole_pictures(
    subject: Subject, folder: Path, split: str, count: int
) -> list[NDArray[np.float32]]:
    """So many pictures of a split: photos (H, W, 3), or the lines (H, W) of drawings.

    Parameters
    ----------
    folder : Path
        The photo archive, or the line art archive; or a folder of pictures, also in folders of it,
        or a pattern. Of such pictures every third one is "val", the others are "train".

    Raises
    ------
    InputError
        When there are no such pictures, or too few for two splits.
    """
    if not (folder / "index.csv").is_file():
        return _own_pictures(subject, folder, split, count)
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


def _own_pictures(
    subject: Subject, given: Path, split: str, count: int
) -> list[NDArray[np.float32]]:
    files = [source.path for source in find_sources([given], recursive=True)]
    if len(files) < _CHECKED:
        raise InputError(
            f"{given}: at least {_CHECKED} pictures are needed, of which some calibrate and the "
            f"others are coloured to check; there are {len(files)}"
        )
    checked = files[_CHECKED - 1 :: _CHECKED]
    chosen = checked if split == "val" else [file for file in files if file not in checked]
    return [_own_picture(subject, file) for file in _spread(chosen, count)]


def _own_picture(subject: Subject, file: Path) -> NDArray[np.float32]:
    values = read_picture(file)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    picture = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
    picture.thumbnail((_LONGEST, _LONGEST))
    rgb = np.asarray(picture, np.float32) / 255
    return luma_of(rgb) if subject == "drawing" else rgb


def _spread(items: list, count: int) -> list:  # type: ignore[type-arg]
    return items if count >= len(items) else [items[i * len(items) // count] for i in range(count)]
