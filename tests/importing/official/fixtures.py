"""The committed numbers of official code; needs no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIXTURES = ("ddcolor", "icolorit", "zhang-eccv16", "zhang-siggraph17")
STEP = 2
"""Of rows and columns that are kept of what the official code was given and got."""


def read(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of a fixture, see README.md."""
    with np.load(Path(__file__).parent / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}
