"""Held-out drawings to look at."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from colordeploy.methods.line_art import LineArtModel
from colordeploy.models import load

from ..data.drawings import Drawing, DrawingArchive, gray_array, rgb_array
from ..data.photos import Folders
from .hints import true_hints

STYLES = (None, 0, 1, 2)  # predicted, and three random ones
HINTS = 3
_GAP = 4


def chosen(data: Folders, pattern: str, count: int) -> list[Drawing]:
    """So many validation pairs whose source/category/name match, spread over them."""
    found = [
        drawing
        for drawing in DrawingArchive(data, "val", color_only=False).drawings
        if re.search(pattern, f"{drawing.source}/{drawing.category}/{drawing.name}")
    ]
    if not found:
        raise ValueError(f"no validation drawing matches {pattern!r}")
    count = min(count, len(found))
    return [found[i * len(found) // count] for i in range(count)]


def sheet(drawings: list[Drawing], bundle: str) -> NDArray[np.uint8]:
    """A row each: lines, truth, predicted style, three random ones, and the predicted one with
    hints in the truth's three largest regions besides the ground.
    """
    with load(bundle, device="cpu") as model:
        assert isinstance(model, LineArtModel)
        rows = [_row(model, drawing) for drawing in drawings]
    return np.concatenate(rows)


def _row(model: LineArtModel, drawing: Drawing) -> NDArray[np.uint8]:
    assert drawing.line is not None
    line = (gray_array(drawing.line) * 255).round().astype(np.uint8)
    truth = (rgb_array(drawing.color) * 255).round().astype(np.uint8)
    canvas = model.prepare(line)
    hints = true_hints(canvas.regions, truth)[1 : 1 + HINTS]
    pictures = [
        np.repeat(line[..., None], 3, axis=2),
        truth,
        *(canvas.render(style) for style in STYLES),
        canvas.render(None, hints or None),
    ]
    return np.concatenate(
        [np.pad(p, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255) for p in pictures], axis=1
    )
