"""Anyone's network: automatic colour from an ONNX file whose interface the manifest describes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..method import Method
from .canvas import ImportedCanvas
from .interface import INPUTS, OUTPUTS, NetworkInterface
from .model import ImportedModel, create_imported

__all__ = [
    "INPUTS",
    "METHODS",
    "OUTPUTS",
    "ImportedCanvas",
    "ImportedModel",
    "NetworkInterface",
]


def _nothing(model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """It is automatic."""


def _nothing_else(
    model: Any, canvas: Any, picture: NDArray[np.uint8], rng: np.random.Generator, before: None
) -> None:
    """There is nothing to edit."""


METHODS = (
    Method(
        name="imported",
        summary="automatic, by a network of one's own (colordeploy models import)",
        subject="photo",
        command="auto",
        create=create_imported,
        example_guidance=_nothing,
        example_edit=_nothing_else,
    ),
)
