"""Anchors: places of a picture whose colours decide the others' (DISCO, Sec. 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...native.anchors import CANDIDATES, diverse_order
from ...pictures.color import compose_lab

__all__ = ["CANDIDATES", "Anchor", "diverse_order"]


@dataclass(frozen=True)
class Anchor:
    """A place of the picture whose colour decides that of all that is like it.

    Attributes
    ----------
    y, x : float
        Position in image pixels.
    ab : (float, float)
        CIE Lab chroma.
    candidates : tuple of ((float, float), float)
        The most probable chromas of this place with their probabilities, best first; empty for
        anchors made by hand.
    lightness : float
        L of the picture at this place; 50 for anchors made by hand.
    """

    y: float
    x: float
    ab: tuple[float, float]
    candidates: tuple[tuple[tuple[float, float], float], ...] = ()
    lightness: float = 50.0

    @property
    def color(self) -> tuple[int, int, int]:
        """The sRGB colour (0 to 255 each) that `ab` gives at the picture's lightness here."""
        return self._color_of(self.ab)

    @property
    def candidate_colors(self) -> tuple[tuple[int, int, int], ...]:
        """The same for the candidates."""
        return tuple(self._color_of(ab) for ab, _ in self.candidates)

    def _color_of(self, ab: tuple[float, float]) -> tuple[int, int, int]:
        r, g, b = compose_lab(np.array([self.lightness]), np.array([ab], np.float64))[0]
        return int(r), int(g), int(b)
