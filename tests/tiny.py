"""A bundle with random weights, made in a second: what the runtime does must not depend on them."""

from __future__ import annotations

from pathlib import Path

import torch

from export.models.lga import LGAConfig, LGANet
from export.training import checkpoint

TINY = LGAConfig(widths=(4, 6, 8), joined=6, features=5)


def save_tiny_checkpoint(path: Path, config: LGAConfig = TINY) -> Path:
    """Write a checkpoint as training writes it, of a small random network."""
    torch.manual_seed(0)
    net = LGANet(config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    state = net.state_dict()
    checkpoint.save(
        path,
        {
            "method": "lga",
            "config": config.to_dict(),
            "step": 1,
            "average": state,
            "data": "nothing: random weights",
        },
    )
    return path
