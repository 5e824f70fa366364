"""Automatic colour: what its models share, and DISCO (Xia et al., SIGGRAPH Asia 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..method import Method
from .anchors import Anchor
from .canvas import AutomaticCanvas
from .disco_model import create_disco
from .model import AutomaticModel

__all__ = ["METHODS", "Anchor", "AutomaticCanvas", "AutomaticModel"]


def _anchors(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator
) -> list[Anchor]:
    found: list[Anchor] = canvas.anchors
    return found


def _recoloured(
    model: Any,
    canvas: Any,
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    before: list[Anchor],
) -> list[Anchor]:
    """An anchor is recoloured, as by a click on one of its candidates."""
    first, *others = before
    candidates = first.candidates[1:] or ((first.ab, 1.0),)
    ab, _ = candidates[int(rng.integers(len(candidates)))]
    return [Anchor(first.y, first.x, ab), *others]


METHODS = (
    Method(
        name="disco",
        summary="automatic, with anchors to edit (DISCO, SIGGRAPH Asia 2022)",
        subject="photo",
        command="auto",
        create=create_disco,
        example_guidance=_anchors,
        example_edit=_recoloured,
    ),
)
