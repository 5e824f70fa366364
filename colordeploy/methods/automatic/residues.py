"""What an answer lacks at its anchors, carried to places like them.

The network is told of anchors, but need not give their colours. So what is missing there, the
anchor's colour less the answer's mean in its cell, is added wherever the network's tokens and the
lightness are alike, and near: with weights w_i of the anchors i, sum_i w_i r_i / (c + sum_i w_i).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...pictures.geometry import resize

__all__ = ["with_residues"]

# Chosen on training photos with eight anchors in their true colours.
_LIKENESS = 0.2  # cosine of tokens, centred on the picture's mean
_REACH = 30.0  # cells
_LIGHTNESS = 20.0  # of 100
_NONE = 0.06  # c: weight of no residue; less gains a little, and lets an anchor alone tint all


def with_residues(
    ab: NDArray[np.float32],
    tokens: NDArray[np.float32],
    lightness: NDArray[np.float32],
    mask: NDArray[np.float32],
    colors: NDArray[np.float32],
) -> NDArray[np.float32]:
    """An answer nearer to its anchors.

    Parameters
    ----------
    ab : (2, n h, n w) float32
        The network's answer, n values a side for each cell, in ab units.
    tokens : (C, h, w) float32
        The network's features of the cells.
    lightness : (n h, n w) float32
        CIE L, 0 to 100.
    mask : (h, w) float32
        1 where an anchor is.
    colors : (2, h, w) float32
        Their colours in ab units.

    Returns
    -------
    (2, n h, n w) float32
        `ab` itself without an anchor.
    """
    anchors = list(zip(*np.nonzero(mask), strict=True))
    if not anchors:
        return ab
    side = ab.shape[1] // tokens.shape[1]
    centred = tokens - tokens.mean(axis=(1, 2), keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-6)
    rows, columns = ((np.arange(n, dtype=np.float32) + 0.5) / side - 0.5 for n in ab.shape[1:])
    total = np.full(ab.shape[1:], _NONE, np.float32)
    lacking = np.zeros_like(ab)
    for row, column in anchors:
        cell = slice(side * row, side * (row + 1)), slice(side * column, side * (column + 1))
        residue = colors[:, row, column] - ab[(slice(None), *cell)].mean(axis=(1, 2))
        alike = resize(np.tensordot(unit[:, row, column], unit, 1), lightness.shape)
        lighter = lightness - lightness[cell].mean()
        away = (rows[:, None] - row) ** 2 + (columns - column) ** 2
        weight = np.exp(
            (alike - 1) / _LIKENESS
            - away / (2 * _REACH**2)
            - lighter**2 / (2 * _LIGHTNESS**2)
        )  # fmt: skip
        total += weight
        lacking += weight * residue[:, None, None]
    return ab + lacking / total
