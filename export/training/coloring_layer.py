"""The Laplacian colouring layer (LGA-Net, Sec. 3.2) as an autograd function over the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from colordeploy.native import Affinities, Propagator

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class GraphOptions:
    """Which edges the propagation graph has, see `colordeploy.native.Affinities`."""

    global_step: int = 12
    local_edges: bool = True
    phi: float = 1e-8
    threads: int = 1


def _map(function: Callable[[_T], _R], items: Sequence[_T], threads: int) -> list[_R]:
    if threads < 2 or len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        return list(pool.map(function, items))


# NumPy converts and copies these layouts several times faster than PyTorch does.
def _channels_last(x: Tensor) -> np.ndarray:
    """(B, C, H, W) tensor to contiguous (B, H, W, C) float64."""
    return np.ascontiguousarray(x.detach().permute(0, 2, 3, 1).numpy(), dtype=np.float64)


def _planes(arrays: Sequence[np.ndarray], dtype: torch.dtype) -> Tensor:
    """B arrays (H, W, C) to a (B, C, H, W) tensor in channels-last order."""
    numpy_type = np.float64 if dtype == torch.float64 else np.float32
    return torch.from_numpy(np.stack(arrays).astype(numpy_type)).permute(0, 3, 1, 2)


class _LaplacianColoring(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        sigma: Tensor,
        alpha: Tensor,
        mask: Tensor,
        values: Tensor,
        options: GraphOptions,
    ) -> Tensor:
        width = sigma.item()
        weights = alpha.detach().tolist()
        maps, y = _channels_last(features), _channels_last(values)
        marks = mask.numpy()

        each = max(1, options.threads // len(maps))

        def solve(i: int) -> tuple[Propagator, np.ndarray]:
            affinities = Affinities.from_features(
                maps[i],
                sigma=width,
                global_step=options.global_step,
                local=options.local_edges,
                threads=each,
            )
            propagator = Propagator(affinities, alpha=weights[i], phi=options.phi, threads=each)
            return propagator, propagator.solve(marks[i], y[i])

        solved = _map(solve, range(len(maps)), options.threads)
        ctx.propagators = [propagator for propagator, _ in solved]  # each keeps its factorization
        ctx.x = [x for _, x in solved]
        ctx.maps, ctx.marks, ctx.width, ctx.threads = maps, marks, width, options.threads
        ctx.dtype = features.dtype
        return _planes(ctx.x, ctx.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        upstream = _channels_last(grad)

        def pull_back(i: int) -> tuple[np.ndarray, float, float, np.ndarray]:
            propagator, marks = ctx.propagators[i], ctx.marks[i]
            adjoint = propagator.adjoint(marks, upstream[i])
            features, sigma, alpha = propagator.gradients(ctx.maps[i], ctx.width, ctx.x[i], adjoint)
            return features, sigma, alpha, adjoint * marks[:, :, None]

        features, sigma, alpha, values = zip(
            *_map(pull_back, range(len(upstream)), ctx.threads), strict=True
        )
        return (
            _planes(features, ctx.dtype),
            torch.tensor(sum(sigma), dtype=ctx.dtype),
            torch.tensor(alpha, dtype=ctx.dtype),
            None,
            _planes(values, ctx.dtype),
            None,
        )


def laplacian_coloring(
    features: Tensor,
    sigma: Tensor,
    alpha: Tensor,
    mask: Tensor,
    values: Tensor,
    options: GraphOptions,
) -> Tensor:
    """Spread the values of the marked pixels: x of Eq. 5, differentiable.

    The backward pass is one more solve with the factorization of the forward pass.

    Parameters
    ----------
    features : (B, C, H, W) float
    sigma : () float
    alpha : (B,) float
    mask : (B, H, W) bool
    values : (B, K, H, W) float
    options : GraphOptions

    Returns
    -------
    (B, K, H, W)
    """
    result: Tensor = _LaplacianColoring.apply(features, sigma, alpha, mask, values, options)
    return result
