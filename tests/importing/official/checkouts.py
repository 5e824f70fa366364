"""Checkouts of official code, loaded for as long as they are wanted; nothing of them is copied."""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

CHECKOUTS = {
    "ddcolor": "COLORDEPLOY_DDCOLOR",  # github.com/piddnad/DDColor
    "zhang": "COLORDEPLOY_COLORIZATION",  # github.com/richzhang/colorization
    "icolorit": "COLORDEPLOY_ICOLORIT",  # github.com/pmh9960/iColoriT
}
"""Environment variables that name the folders."""

# What the repositories import for training, downloads or debugging, and what the four helpers of
# timm that iColoriT uses come down to at inference.
_STUBS: Mapping[str, Mapping[str, Any]] = {
    "IPython": {"embed": None},
    "torchvision": {},
    "torchvision.utils": {"make_grid": None},
    "tensorboardX": {"SummaryWriter": None},
    "torch._six": {"inf": float("inf")},
    "timm": {},
    "timm.models": {},
    "timm.models.layers": {
        "drop_path": lambda x, *_: x,
        "to_2tuple": lambda side: (side, side),
        "trunc_normal_": torch.nn.init.trunc_normal_,
    },
    "timm.models.registry": {"register_model": lambda function: function},
    "timm.utils": {"get_state_dict": None},
}


def folder_of(name: str) -> Path | None:
    """Where the checkout lies; None when nobody said."""
    said = os.environ.get(CHECKOUTS[name])
    return None if said is None else Path(said).resolve()


@contextmanager
def modules_of(folder: Path, *names: str) -> Iterator[list[types.ModuleType]]:
    """Modules of a checkout; what was imported for it is forgotten afterwards."""
    before = dict(sys.modules)
    for name, content in _STUBS.items():
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(content)
    sys.path.insert(0, str(folder))
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(folder))
        ours = {name for name in sys.modules if name not in before}
        for name in ours:
            module = sys.modules[name]
            file = getattr(module, "__file__", None) or ""
            if name in _STUBS or str(folder) in file:
                del sys.modules[name]
