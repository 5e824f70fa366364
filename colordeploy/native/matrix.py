"""The propagation system as a sparse matrix of SciPy, to check the solver against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from .affinities import DIRECTIONS, Affinities
from .plans import plan_of

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["system_matrix"]


def system_matrix(
    affinities: Affinities,
    marks: NDArray[np.uint8],
    alpha: float,
    phi: float,
    screening: float,
) -> scipy.sparse.csr_matrix:
    """Return ``M + alpha L + phi L_adj`` (LGA-Net, Eq. 5) as (H*W, H*W) float64.

    Parameters
    ----------
    affinities : Affinities
        The weights of L.
    marks : (H, W) uint8
        1 where the diagonal of M is 1; elsewhere it is the screening.
    alpha, phi, screening : float
        See `Propagator`.

    Raises
    ------
    BackendError
        Without SciPy, which nothing else here needs.
    """
    try:
        import scipy.sparse
    except ImportError:
        raise BackendError(
            "Propagator.matrix gives a SciPy matrix, and SciPy is not installed: pip install "
            "'colordeploy[matrix]'"
        ) from None

    height, width = marks.shape
    count = height * width
    index = np.arange(count).reshape(height, width)
    heads: list[NDArray[Any]] = []
    tails: list[NDArray[Any]] = []
    weights: list[NDArray[np.float64]] = []
    for plane, (dy, dx) in zip(affinities.local, DIRECTIONS, strict=True):
        rows = slice(0, max(height - dy, 0))
        columns = slice(max(-dx, 0), max(width - max(dx, 0), 0))
        head = index[rows, columns]
        heads.append(head.ravel())
        tails.append((head + dy * width + dx).ravel())
        weights.append(alpha * plane[rows, columns].ravel() + phi)
    points = plan_of(height, width, affinities.global_step).global_pixels
    i, j = np.tril_indices(len(points), -1)
    heads.append(points[i])
    tails.append(points[j])
    weights.append(alpha * affinities.global_)
    head, tail, weight = (np.concatenate(part) for part in (heads, tails, weights))
    w = scipy.sparse.coo_matrix((weight, (head, tail)), shape=(count, count)).tocsr()
    w = w + w.T
    ground = np.where(marks.ravel(), 1.0, screening)
    diagonal = ground + np.asarray(w.sum(axis=1)).ravel()
    return scipy.sparse.csr_matrix(scipy.sparse.diags(diagonal, format="csr") - w)
