"""What is coloured: seeded, varied pictures of a size, and an edit of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..methods import Method, find_method

__all__ = ["PICTURES", "Job", "jobs", "method_of", "synthetic_drawing", "synthetic_photo"]

PICTURES = 8
_COARSE = 12  # of the fields that photos are made of, in cells


@dataclass(frozen=True, eq=False)
class Job:
    """One query.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        As an editor has it decoded.
    method : Method
    seed : tuple of int
        Of whatever is random in its guidance and its edit.
    """

    picture: NDArray[np.uint8]
    method: Method
    seed: tuple[int, ...]

    def guidance(self, model: Any, canvas: Any) -> Any:
        """First argument of ``render``, as a file gives it: not encoded yet."""
        rng = np.random.default_rng(self.seed)
        return self.method.example_guidance(model, canvas, self.picture, rng)

    def encoded(self, model: Any, guidance: Any) -> Any:
        """Guidance in the form that serves many pictures."""
        encode = self.method.encode_guidance
        return guidance if encode is None else encode(model, guidance)

    def edit(self, model: Any, canvas: Any, guidance: Any) -> Any:
        """Guidance after an edit."""
        rng = np.random.default_rng((*self.seed, 1))
        return self.method.example_edit(model, canvas, self.picture, rng, guidance)


def method_of(model: Any) -> Method:
    """The record of a model's method."""
    method = find_method(model.method)
    assert method is not None  # there is a model of it
    return method


def jobs(method: Method, size: tuple[int, int], seed: int = 0) -> list[Job]:
    """`PICTURES` different queries of a method.

    Parameters
    ----------
    method : Method
    size : (height, width)
    """
    make = synthetic_drawing if method.subject == "drawing" else synthetic_photo
    return [
        Job(make(size, np.random.default_rng((seed, i))), method, (seed, i))
        for i in range(PICTURES)
    ]


def synthetic_photo(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
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


def synthetic_drawing(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
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
