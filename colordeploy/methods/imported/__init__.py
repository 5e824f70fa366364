"""Anyone's network: colours from an ONNX file whose interface the manifest describes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..method import Method
from ..scribble import examples
from .canvas import ImportedCanvas
from .forms import InputForm, OutputForm
from .hinted_canvas import HintedCanvas
from .hinted_model import HintedModel, create_hinted
from .hints import Hints
from .interface import NetworkInterface
from .model import ImportedModel, create_imported
from .planes import INPUTS, OUTPUTS

__all__ = [
    "INPUTS",
    "METHODS",
    "OUTPUTS",
    "HintedCanvas",
    "HintedModel",
    "Hints",
    "ImportedCanvas",
    "ImportedModel",
    "InputForm",
    "NetworkInterface",
    "OutputForm",
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
    Method(
        name="imported-hints",
        summary="strokes, by a network of one's own that takes hints (colordeploy models import)",
        subject="photo",
        command="scribble",
        create=create_hinted,
        example_guidance=examples.strokes,
        example_edit=examples.one_more,
    ),
)
