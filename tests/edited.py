"""Bundles whose manifests say something else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from colordeploy.bundle import Bundle


def with_output_renamed(bundle: Path, out: Path, graph: str, old: str, new: str) -> Path:
    """A copy of a bundle whose manifest gives an output of a graph another name."""
    shutil.copytree(bundle, out)
    manifest = Bundle(bundle).manifest
    entry = manifest.graphs[graph]
    outputs = tuple(replace(o, name=new) if o.name == old else o for o in entry.outputs)
    graphs = {**manifest.graphs, graph: replace(entry, outputs=outputs)}
    (out / "manifest.json").write_text(replace(manifest, graphs=graphs).to_json())
    return out


def with_parameters(bundle: Path, **parameters: Any) -> Path:
    """The same bundle, its manifest with these parameters, too."""
    manifest = Bundle(bundle).manifest
    changed = replace(manifest, parameters={**manifest.parameters, **parameters})
    (bundle / "manifest.json").write_text(changed.to_json())
    return bundle
