"""Colour from an example: SSCN (Bai et al., ECCV 2022)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..method import FreeDimension, Method
from .canvas import ExemplarCanvas, Match
from .model import ExemplarModel, create_sscn
from .reference import PATCH, Reference

__all__ = ["METHODS", "ExemplarCanvas", "ExemplarModel", "Match", "Reference"]

_EXAMPLE_SIDE = 320  # longest side of an example reference, in pixels
_SELECTED = 1024  # patches that models of ours look at, at most


def _mirrored(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The mirrored picture is the reference."""
    reference = Image.fromarray(np.ascontiguousarray(picture[:, ::-1]))
    reference.thumbnail((_EXAMPLE_SIDE, _EXAMPLE_SIDE))
    return np.asarray(reference)


def _another(
    model: Any,
    canvas: Any,
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    before: Any,
) -> Any:
    """The upper half of the mirrored picture, encoded: another reference."""
    reference = _mirrored(model, canvas, picture, rng)
    return model.encode_reference(reference[: max(8, len(reference) // 2)])


def _same_places(first: Reference, other: Reference) -> Reference:
    """The other's own features, looked at in the first one's places."""
    return replace(other, activation=first.activation)


def _patches(height: int, width: int) -> int:
    return max(1, height * width // PATCH**2)


METHODS = (
    Method(
        name="sscn",
        summary="colours of an example picture (SSCN, ECCV 2022)",
        subject="photo",
        command="exemplar",
        create=create_sscn,
        example_guidance=_mirrored,
        example_edit=_another,
        dimensions={
            "selected": FreeDimension(
                lambda height, width: 1,
                lambda height, width: min(_SELECTED, _patches(height, width)),
                _patches,
            )
        },
        encode_guidance=lambda model, picture, **keywords: model.encode_reference(
            picture, **keywords
        ),
        share_guidance=_same_places,
    ),
)
