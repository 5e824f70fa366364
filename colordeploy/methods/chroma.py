"""Chroma of a network at the size that it worked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..native import GuidedChroma
from ..native.color import AB_SCALE

__all__ = ["at_working_size"]


def at_working_size(
    ab: NDArray[np.float32], gray: NDArray[np.float32], working_size: tuple[int, int]
) -> NDArray[np.float32]:
    """A network's answer at the working size, (h, w, 2) in ab units.

    Parameters
    ----------
    ab : (2, h'', w'') float32
        In ab units; smaller than the padded working picture, it is enlarged along the edges of the
        lightness.
    gray : (1, 1, h', w') float32
        What the network saw: (L - 50) / 50, padded.
    working_size : (h, w)
        Without the padding.
    """
    height, width = working_size
    padded = gray.shape[2:]
    if ab.shape[1:] == padded:
        return np.moveaxis(ab[:, :height, :width], 0, -1)
    light = (gray[0, 0] + 1) / 2
    rows, columns = ab.shape[1:]
    blocks = light.reshape(rows, padded[0] // rows, columns, padded[1] // columns)
    small = GuidedChroma(
        np.moveaxis(ab, 0, -1) / np.float32(AB_SCALE), blocks.mean(axis=(1, 3)), space="lab"
    )
    lab: NDArray[np.float32] = small.compose(light, output="lab")
    return lab[:height, :width, 1:]
