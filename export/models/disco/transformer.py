"""The two transformers of DISCO: colour modeler and anchor-guided generator (Secs. 4.2, 4.3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def positions(height: int, width: int, channels: int) -> Tensor:
    """Sine encoding (channels, height, width): the first half of the channels for the row."""

    def along(length: int) -> Tensor:
        angle = torch.arange(1, length + 1, dtype=torch.float32) * (2 * math.pi) / (length + 1e-6)
        half = channels // 2
        index = torch.arange(half, dtype=torch.float32)
        frequency = 10000.0 ** (-2.0 * torch.floor(index / 2) / half)
        phase = angle[:, None] * frequency
        return torch.where(index.long() % 2 == 0, torch.sin(phase), torch.cos(phase))

    rows = along(height).T[:, :, None].expand(-1, height, width)
    columns = along(width).T[:, None, :].expand(-1, height, width)
    return torch.cat([rows, columns])


class _Attention(nn.Module):
    """Multi-head self-attention; positions are added to queries and keys, not to values."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        query, key, value = self.in_proj_weight.chunk(3)
        query_bias, key_bias, value_bias = self.in_proj_bias.chunk(3)
        placed = x + position

        def split(t: Tensor) -> Tensor:
            return t.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q = split(functional.linear(placed, query, query_bias))
        k = split(functional.linear(placed, key, key_bias))
        v = split(functional.linear(x, value, value_bias))
        weights = torch.softmax(q @ k.transpose(2, 3) * q.shape[3] ** -0.5, dim=3)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))


class _Layer(nn.Module):
    def __init__(self, channels: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = _Attention(channels, heads)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        x = self.norm1(x + self.dropout(self.self_attn(x, position)))
        hidden = self.dropout(torch.relu(self.linear1(x)))
        return self.norm2(x + self.dropout(self.linear2(hidden)))


class Transformer(nn.Module):
    """Encoder layers over the tokens of a map (B, C, h, w)."""

    def __init__(
        self, channels: int, layers: int, heads: int, hidden: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(channels, heads, hidden, dropout) for _ in range(layers))

    def forward(self, tokens: Tensor) -> Tensor:
        height, width = tokens.shape[2:]
        position = positions(height, width, tokens.shape[1]).flatten(1).T.to(tokens.dtype)
        x = tokens.flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x, position)
        return x.transpose(1, 2).unflatten(2, (height, width))
