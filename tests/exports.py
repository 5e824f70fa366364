"""Exports of PyTorch's networks to ONNX, each made once in a run of the tests.

PyTorch takes a quarter of a minute for a graph with free sizes, and many tests want the same small
networks. What was exported lies in a folder that the parallel processes share, by a digest of
everything that an export depends on.
"""

from __future__ import annotations

import gc
import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import nn

_OWN = vars(nn.Module()).keys()  # PyTorch's own attributes of every module


def digest(module: nn.Module, rest: object) -> str:
    """Of the weights, buffers and plain attributes of a module, and of what `rest` shows."""
    made = hashlib.sha256(repr(rest).encode())
    for name, part in module.named_modules():
        plain = {
            key: value
            for key, value in sorted(vars(part).items())
            if key not in _OWN and not isinstance(value, (torch.Tensor, nn.Module))
        }
        made.update(f"{name} {type(part).__qualname__} {plain}".encode())
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        made.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        made.update(tensor.detach().contiguous().numpy().tobytes())
    return made.hexdigest()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would go through all that is imported again and again:
    a quarter of an export's time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def cached(export: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """`export_graph`, looking into a folder first."""

    def exported(module: nn.Module, example: dict[str, torch.Tensor], *args: Any, **kw: Any) -> Any:
        shapes = {name: (tuple(t.shape), t.dtype) for name, t in example.items()}
        path = folder / digest(module, (shapes, args, sorted(kw.items())))
        with FileLock(f"{path}.lock"):
            if not path.is_file():
                with _uncollected():
                    made = export(module, example, *args, **kw)
                path.write_bytes(pickle.dumps(made))
        return pickle.loads(path.read_bytes())

    return exported
