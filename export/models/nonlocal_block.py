"""Non-local blocks (Wang et al. 2018), all four kinds of LGA-Net's Table 5.

Memory stays bounded at any picture size:

* ``dot`` (the default) has no nonlinearity between queries and keys, so
  ``(theta phi^T) g = theta (phi^T g)``: it is computed exactly in that order, over **all** keys,
  without an N x N matrix.
* ``gaussian``, ``embedded`` and ``concatenation`` need that matrix. Their keys are subsampled: the
  block's input is averaged over ``key_stride`` x ``key_stride`` cells for the keys and values and
  over ``query_stride`` x ``query_stride`` cells for the queries, and the result is brought back
  bilinearly. With the default 16 and 8 a 512x512 picture has
  4,096 queries and 1,024 keys: a matrix of 16 MiB.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Kind = Literal["dot", "gaussian", "embedded", "concatenation"]
KINDS: tuple[Kind, ...] = ("dot", "gaussian", "embedded", "concatenation")


class NonLocalBlock(nn.Module):
    """``z = x + W(y)``, ``y_i = 1/C(x) sum_j f(x_i, x_j) g(x_j)`` (Wang et al. 2018, Eqs. 1, 6).

    Parameters
    ----------
    channels : int
        Channels of x.
    kind : {"dot", "gaussian", "embedded", "concatenation"}
        f: ``theta . phi`` (normalized by N), ``exp(x . x)`` or ``exp(theta . phi)`` (softmax), or
        ``relu(w . [theta, phi])`` (normalized by N).
    inner : int, optional
        Channels of theta, phi and g; half of `channels` by default, as in the paper.
    query_stride, key_stride : int
        Subsampling of queries and of keys for the three kinds that need the whole matrix.
    """

    def __init__(
        self,
        channels: int,
        kind: Kind = "dot",
        inner: int | None = None,
        query_stride: int = 8,
        key_stride: int = 16,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        inner = inner or channels // 2
        self.kind = kind
        self.query_stride, self.key_stride = query_stride, key_stride
        self.value = nn.Conv2d(channels, inner, 1)
        self.out = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.out.weight)  # starts as the identity
        nn.init.zeros_(self.out.bias)
        if kind != "gaussian":
            self.query = nn.Conv2d(channels, inner, 1)
            self.key = nn.Conv2d(channels, inner, 1)
        if kind == "concatenation":
            self.query_weight = nn.Conv2d(inner, 1, 1, bias=False)
            self.key_weight = nn.Conv2d(inner, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        if self.kind == "dot":
            query, key, value = (p(x).flatten(2) for p in (self.query, self.key, self.value))
            context = value @ key.transpose(1, 2) / key.shape[2]
            y = (context @ query).unflatten(2, x.shape[2:])
        else:
            coarse = functional.avg_pool2d(x, self.query_stride, ceil_mode=True)
            pooled = functional.avg_pool2d(x, self.key_stride, ceil_mode=True)
            value = self.value(pooled).flatten(2)
            y = value @ self._weights(coarse, pooled).transpose(1, 2)
            y = functional.interpolate(
                y.unflatten(2, coarse.shape[2:]), size=x.shape[2:], mode="bilinear"
            )
        return x + self.out(y)

    def _weights(self, coarse: Tensor, pooled: Tensor) -> Tensor:
        """(B, queries, keys), normalized."""
        if self.kind == "gaussian":
            query, key = coarse.flatten(2), pooled.flatten(2)
            return torch.softmax(query.transpose(1, 2) @ key / query.shape[1] ** 0.5, dim=2)
        query, key = self.query(coarse), self.key(pooled)
        if self.kind == "embedded":
            scores = query.flatten(2).transpose(1, 2) @ key.flatten(2)
            return torch.softmax(scores / query.shape[1] ** 0.5, dim=2)
        scores = self.query_weight(query).flatten(2).transpose(1, 2) + self.key_weight(key).flatten(
            2
        )
        return torch.relu(scores) / key.flatten(2).shape[2]
