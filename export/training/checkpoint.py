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


def mixed(first: Path, second: Path, share: float) -> dict[str, Any]:
    """The second of two checkpoints of one training with averaged weights between both.

    Runs that went on from one another lie in one basin: what lies between them can be as good as
    either in what each is better at (Wortsman et al. 2022).

    Parameters
    ----------
    share : float
        Of the second's averaged weights, 0 to 1.

    Raises
    ------
    ValueError
        When they are of two methods or configurations.
    """
    states = [load(path) for path in (first, second)]
    ours, theirs = ({name: state[name] for name in ("method", "config")} for state in states)
    if ours != theirs:
        raise ValueError(f"{first} and {second} are of two networks: {ours} and {theirs}")
    result = states[1]
    for name, value in result["average"].items():
        if value.is_floating_point():
            result["average"][name] = torch.lerp(states[0]["average"][name], value, share)
    return result
