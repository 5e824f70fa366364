"""FID (Heusel et al. 2017) and IS (Salimans et al. 2016), on an Inception network the user brings.

The file is TorchScript with the interface of NVIDIA's ``inception-2015-12-05.pt``, which most FID
figures are made with: uint8 (B, 3, H, W) in; with ``return_features=True`` (B, 2048) features out,
otherwise (B, 1008) class probabilities.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm


class Inception:
    """Features and class probabilities of uint8 RGB pictures."""

    def __init__(self, file: Path) -> None:
        try:
            with warnings.catch_warnings():  # deprecated, but it is what the published file is
                warnings.simplefilter("ignore", DeprecationWarning)
                self._net = torch.jit.load(file, map_location="cpu").eval()
        except RuntimeError as error:
            raise ValueError(
                f"{file} is no TorchScript; give a file like inception-2015-12-05.pt: {error}"
            ) from error

    @torch.no_grad()
    def __call__(
        self, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        batch = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
        features = self._net(batch, return_features=True)[0].double().numpy()
        return features, self._net(batch)[0].double().numpy()


def frechet_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """FID of two sets of features (n, C), (m, C): the distance of the Gaussians fitted to them."""
    mean = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    cov_a, cov_b = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (a, b))
    root = np.real(sqrtm(cov_a @ cov_b))
    return float(mean + np.trace(cov_a + cov_b - 2 * root))


def inception_score(probabilities: NDArray[np.float64]) -> float:
    """IS of class probabilities (n, classes), over all at once."""
    p = np.clip(probabilities, 1e-16, None)
    divergence = (p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1)
    return float(np.exp(divergence.mean()))
