"""Copies of the package's bundles, to be damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

from colordeploy.bundle import Bundle, default_bundles


def copied(name: str, out: Path) -> Path:
    """A bundle of the package with all its weights in its own folder."""
    source = default_bundles()[name]
    shutil.copytree(source, out)
    for entry in Bundle(source).manifest.graphs.values():
        if entry.weights and not (out / entry.weights).is_file():
            shutil.copy(source.parent / "shared" / entry.weights, out)
    return out
