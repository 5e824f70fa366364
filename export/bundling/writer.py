"""Writes a bundle, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.accuracy.golden import GraphCheck, verify
from colordeploy.bundle import Bundle
from colordeploy.manifest import GraphEntry, Manifest
from colordeploy.runtime.graph import Target

from .onnx_graph import ExportedGraph


@dataclass(frozen=True)
class Identity:
    """What a bundle calls itself."""

    name: str
    version: str = "1.0.0"
    licence: str = "Apache-2.0"


def write_bundle(
    out: Path,
    manifest: Mapping[str, Any],
    graphs: Mapping[str, tuple[ExportedGraph, float]],
    golden: Mapping[str, NDArray[Any]],
) -> list[GraphCheck]:
    """Write a bundle as a folder, or as a zip file when `out` ends in ``.zip``.

    It is verified before it takes the place of an older one, whole or not at all.

    Parameters
    ----------
    out : Path
        Replaced when it is a bundle already; other files and folders are refused.
    manifest : mapping
        Fields of `colordeploy.manifest.Manifest` but for graphs and hashes.
    graphs : mapping of name to (graph, tolerance)
    golden : mapping
        Arrays named ``graph/case/input|output/tensor``.

    Returns
    -------
    list of GraphCheck
        How far ONNX Runtime is from the golden vectors.
    """
    files: dict[str, bytes] = {}
    entries = {}
    for name, (graph, tolerance) in graphs.items():
        file = f"{name}.onnx"
        files[file] = graph.content
        digest = hashlib.sha256(graph.content).hexdigest()
        entries[name] = GraphEntry(file, digest, graph.inputs, graph.outputs, tolerance)
    files["golden.npz"] = _npz(golden)
    complete = Manifest(
        **manifest, graphs=entries, golden_sha256=hashlib.sha256(files["golden.npz"]).hexdigest()
    )
    files["manifest.json"] = complete.to_json().encode()
    return _replace(out, files)


def rewrite_golden(path: Path) -> tuple[int, int]:
    """Write the golden vectors of a bundle again: the same values, packed as by `write_bundle`.

    Returns
    -------
    values, packed : int
        Bytes of the arrays, and of the file ``golden.npz``.
    """
    bundle = Bundle(path)
    golden = bundle.golden()
    content = _npz(golden)
    manifest = replace(bundle.manifest, golden_sha256=hashlib.sha256(content).hexdigest())
    files = {entry.file: bundle.graph(name) for name, entry in manifest.graphs.items()}
    files |= {"golden.npz": content, "manifest.json": manifest.to_json().encode()}
    _replace(path, files)
    return sum(array.nbytes for array in golden.values()), len(content)


def _replace(out: Path, files: Mapping[str, bytes]) -> list[GraphCheck]:
    """Put a bundle of these files in the place of an older one, once its golden vectors agree."""
    if out.is_file() and out.suffix != ".zip":
        raise FileExistsError(f"{out} is a file; a bundle is a folder or a .zip")
    if out.is_dir() and any(out.iterdir()) and not (out / "manifest.json").is_file():
        raise FileExistsError(f"{out} is a folder of something else: it holds no manifest.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        fresh = Path(scratch) / ("bundle.zip" if out.suffix == ".zip" else "bundle")
        if out.suffix == ".zip":
            with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
        else:
            fresh.mkdir(mode=0o755)
            for name, content in files.items():
                (fresh / name).write_bytes(content)
        checks = verify(Bundle(fresh), Target(device="cpu"))
        for check in checks:
            if not check.passed:
                raise ValueError(
                    f"{check.graph} differs from PyTorch by {check.largest_error:.2e} in ONNX "
                    f"Runtime, more than the {check.tolerance:.0e} allowed; {out} is not written"
                )
        old = Path(scratch) / "old"
        if out.is_dir():
            out.rename(old)
        try:
            fresh.replace(out)
        except OSError:
            if old.is_dir():
                old.rename(out)
            raise
    return checks


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Compressed npz with fixed time stamps: equal arrays give equal bytes.

    Of equal arrays, the second and on are the name of the first, see `Bundle.golden`.
    """
    buffer, known = io.BytesIO(), dict[tuple[Any, ...], str]()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            array = arrays[name]
            first = known.setdefault((array.dtype.str, array.shape, array.tobytes()), name)
            stored = array if first == name else np.array(first.encode())
            np.save(content, stored, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED  # an entry's own, not the archive's, counts
            archive.writestr(entry, content.getvalue(), compresslevel=9)
    return buffer.getvalue()
