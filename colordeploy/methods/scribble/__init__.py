"""Colour from strokes: LGA-Net (``lga``) and its classical forerunner (``levin``).

``prepare`` computes what depends on the picture alone: luma, working size, affinities, the plan of
the system. ``render`` turns strokes into constraints at the working size, solves for the chroma and
brings it to the picture's own size along its luma edges.
"""

from __future__ import annotations

from ..method import Method
from . import examples
from .canvas import ScribbleCanvas
from .model import ScribbleModel, create_levin, create_lga

__all__ = ["METHODS", "ScribbleCanvas", "ScribbleModel"]

METHODS = (
    Method(
        name="levin",
        summary="strokes, by differences of luma only (Levin et al. 2004)",
        subject="photo",
        command="scribble",
        create=create_levin,
        example_guidance=examples.strokes,
        example_edit=examples.one_more,
        bundled=False,
    ),
    Method(
        name="lga",
        summary="strokes, by learned local and global affinities (LGA-Net, ICCV 2025)",
        subject="photo",
        command="scribble",
        create=create_lga,
        example_guidance=examples.strokes,
        example_edit=examples.one_more,
    ),
)
