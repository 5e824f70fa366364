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
from .shared import without_encoder


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
        entry = GraphEntry(f"{name}.onnx", "", graph.inputs, graph.outputs, tolerance)
        entries[name] = _packed(entry, graph.content, files)
    files["golden.npz"] = _npz(golden)
    complete = Manifest(
        **manifest, graphs=entries, golden_sha256=hashlib.sha256(files["golden.npz"]).hexdigest()
    )
    files["manifest.json"] = complete.to_json().encode()
    return _replace(out, files)


def _packed(entry: GraphEntry, content: bytes, files: dict[str, bytes]) -> GraphEntry:
    """Put a graph among the files, an encoder's weights apart from it; its entry with the hash."""
    split = without_encoder(content)
    if split is None:
        files[entry.file] = content
        return replace(entry, sha256=hashlib.sha256(content).hexdigest(), weights=None)
    files |= {entry.file: split.graph, split.file: split.weights}
    digest = hashlib.sha256(split.graph + split.weights).hexdigest()
    return replace(entry, sha256=digest, weights=split.file)


def repacked(path: Path, shared: Path | None = None) -> tuple[int, int]:
    """Write a bundle again, packed as by `write_bundle`: the same values in fewer bytes.

    Parameters
    ----------
    path : Path
    shared : Path, optional
        Folder for the encoder's weights, beside bundles that share it; by default the bundle.

    Returns
    -------
    before, after : int
        Bytes of the bundle's own files.
    """
    bundle = Bundle(path)
    before = _size(path)
    files: dict[str, bytes] = {}
    entries = {
        name: _packed(entry, bundle.graph(name), files)
        for name, entry in bundle.manifest.graphs.items()
    }
    files["golden.npz"] = _npz(bundle.golden())
    digest = hashlib.sha256(files["golden.npz"]).hexdigest()
    manifest = replace(bundle.manifest, graphs=entries, golden_sha256=digest)
    files["manifest.json"] = manifest.to_json().encode()
    _replace(path, files)
    if shared is not None:
        shared.mkdir(exist_ok=True)
        for file in {entry.weights for entry in entries.values() if entry.weights}:
            (path / file).replace(shared / file)
        bundle = Bundle(path)
        for name in entries:
            bundle.graph(name)  # found there
    return before, _size(path)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.iterdir()
    return sum(file.stat().st_size for file in files)


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
