"""Colour for line art: RASC (Liu et al., TIP 2023)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..method import FreeDimension, Method
from .canvas import LineArtCanvas
from .drawing import MAXIMUM_REGIONS
from .model import LineArtModel, create_rasc

__all__ = ["METHODS", "LineArtCanvas", "LineArtModel"]

_USUAL_REGIONS = 166


def _predicted(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator
) -> None:
    """The style that the network predicts."""


def _random_style(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator, before: Any
) -> int:
    return int(rng.integers(1 << 16))


METHODS = (
    Method(
        name="rasc",
        summary="line art, in predicted and random styles (RASC, TIP 2023)",
        subject="drawing",
        command="sketch",
        create=create_rasc,
        example_guidance=_predicted,
        example_edit=_random_style,
        dimensions={
            # In RASC's own graphs with one for the lines.
            "regions": FreeDimension(
                lambda height, width: 1,
                lambda height, width: _USUAL_REGIONS,
                lambda height, width: MAXIMUM_REGIONS + 1,
            )
        },
    ),
)
