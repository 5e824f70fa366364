"""Files of bundles, read by the core: a folder or a zip of one, every file hash-checked."""

from __future__ import annotations

from . import _core

__all__ = ["BundleFiles", "MalformedGraphError", "has_external_data"]

BundleFiles = _core.Bundle
MalformedGraphError = _core.MalformedGraph


def has_external_data(content: bytes | memoryview) -> bool:
    """Whether a tensor of a model is read from another file.

    Parameters
    ----------
    content : bytes or memoryview
        The ONNX file; weights inside of it are passed over, not read.

    Raises
    ------
    MalformedGraphError
        When it is no ONNX model.
    """
    return _core.has_external_data(content)
