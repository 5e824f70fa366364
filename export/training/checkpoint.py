"""Checkpoints that survive being killed at any moment."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from colordeploy.files import write_whole


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint of `save`; tensors and plain values only, no code."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
