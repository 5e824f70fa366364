"""What is coloured: seeded, varied pictures of a size, and guidance for every method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..pictures.strokes import Stroke

__all__ = ["Job", "jobs"]

PICTURES = 8
_COARSE = 12  # of the fields that photos are made of, in cells


@dataclass(frozen=True)
class Job:
    """One query.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        As an editor has it decoded.
    guidance : object
        First argument of ``render``; for `sscn` the reference picture.
    edit : object
        Guidance after an edit of the user.
    """

    picture: NDArray[np.uint8]
    guidance: Any
    edit: Any


def jobs(method: str, size: tuple[int, int], seed: int = 0) -> list[Job]:
    """`PICTURES` different queries of a method.

    Parameters
    ----------
    method : {"levin", "lga", "disco", "sscn", "rasc"}
    size : (height, width)
    """
    result = []
    for i in range(PICTURES):
        rng = np.random.default_rng((seed, i))
        if method == "rasc":
            result.append(Job(_drawing(size, rng), None, i + 1))
            continue
        photo = _photo(size, rng)
        if method in ("levin", "lga"):
            strokes = _strokes(photo, rng, 8)
            result.append(Job(photo, strokes, [*strokes, *_strokes(photo, rng, 1)]))
        elif method == "sscn":
            result.append(Job(photo, _photo((256, 320), rng), _photo((256, 320), rng)))
        else:
            result.append(Job(photo, None, i + 1))
    return result


def edited(job: Job, canvas: Any, model: Any) -> Any:
    """Guidance of an edit; what a canvas is needed for is made here, outside of any timing."""
    if model.method == "disco":  # an anchor recoloured, as by a click on a candidate
        anchors = canvas.anchors
        candidates = anchors[0].candidates
        ab = candidates[min(job.edit, len(candidates) - 1)][0]
        return [type(anchors[0])(anchors[0].y, anchors[0].x, ab), *anchors[1:]]
    return model.encode_reference(job.edit) if model.method == "sscn" else job.edit


def _photo(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Smooth fields, edges between them, and grain."""
    height, width = size
    fields = (rng.random((_COARSE, _COARSE, 3)) * 255).astype(np.uint8)
    smooth = Image.fromarray(fields).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(smooth)
    for _ in range(12):
        x, y, w, h = rng.random(4) * (width, height, width / 3, height / 3)
        color = tuple(int(c) for c in rng.integers(30, 226, 3))
        draw.ellipse((x - w, y - h, x + w, y + h), fill=color)
    grain = rng.integers(-8, 9, (height, width, 1), dtype=np.int16)
    picture: NDArray[np.uint8] = np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)
    return picture


def _drawing(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Circles and lines in ink."""
    height, width = size
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    thick = max(2, min(size) // 128)
    for _ in range(14):
        x, y, r = rng.random(3) * (width, height, min(size) / 4)
        draw.ellipse((x - r, y - r, x + r, y + r), outline=0, width=thick)
    for _ in range(6):
        draw.line([*(rng.random(4) * (width, height, width, height))], fill=0, width=thick)
    return np.repeat(np.asarray(page)[..., None], 3, axis=2)


def _strokes(photo: NDArray[np.uint8], rng: np.random.Generator, count: int) -> list[Stroke]:
    height, width = photo.shape[:2]
    strokes = []
    for _ in range(count):
        y, x = rng.random(2) * (height * 0.9, width * 0.8)
        color = "#{:02x}{:02x}{:02x}".format(*photo[int(y), int(x)])
        end = (y + height * 0.05, x + width * 0.1)
        strokes.append(Stroke([(y, x), end], color, max(1, min(height, width) // 100)))
    return strokes
