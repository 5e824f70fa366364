"""A picture that colours are taken from, and which of its patches are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...native.references import selected

__all__ = ["PATCH", "Reference", "Selection"]

PATCH = 4  # pixels of a patch's side at the working size, in bundles that do not say


@dataclass(frozen=True)
class Selection:
    """Which patches of a reference a picture may look at (Sec. 3.3).

    Attributes
    ----------
    k : int or None
        The most active ones; None: the model's number, or as many as there are.
    r : int or None
        Random others; None likewise.
    seed : int
        Of the random ones.
    """

    k: int | None = None
    r: int | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that colours are taken from, encoded; it can be pickled and copied.

    Made by `ExemplarModel.encode_reference`; goes with models of the same bundle only.

    Attributes
    ----------
    features : (N, d) float32
        Of each patch in reading order.
    style : (n,) float32
    activation : (N,) float32
        How much a patch stands for what the picture shows; -inf for the padding's.
    rows, columns : int
        Of patches.
    picture : (h, w, 3) uint8
        The reference at its working size.
    model : str
        Identity of the bundle that encoded it.
    patch : int
        Pixels of a patch's side at the working size.
    """

    features: NDArray[np.float32]
    style: NDArray[np.float32]
    activation: NDArray[np.float32]
    rows: int
    columns: int
    picture: NDArray[np.uint8]
    model: str = ""
    patch: int = PATCH

    @property
    def places(self) -> int:
        """How many patches can be selected."""
        return int(np.isfinite(self.activation).sum())

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = (self.features, self.style, self.activation, self.picture)
        return sum(array.nbytes for array in arrays)

    def select(
        self, selection: Selection, default_k: int, default_r: int | None = None
    ) -> NDArray[np.int64]:
        """Indices of the k most active patches and of r others.

        The others are the first r of one seeded permutation of all patches that are not among the
        k: an activation whose last digit differs elsewhere exchanges a patch or two, never all.

        Parameters
        ----------
        selection : Selection
        default_k, default_r : int
            What None in it stands for; `default_r` is `default_k` when left out.

        Raises
        ------
        InputError
            For negative numbers, none at all, or more than there are patches.
        """
        return selected(
            self.activation,
            selection.k,
            selection.r,
            seed=selection.seed,
            default_k=default_k,
            default_r=default_k if default_r is None else default_r,
        )
