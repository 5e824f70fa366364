"""Bundles as C reads them: folders, zips, damaged ones, and those that Python alone computes."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from colordeploy.bundle import Bundle, default_bundles

from .library import Failure

LINE = [([(20, 30), (60, 90)], 5, (10, 200, 30))]


@pytest.fixture
def bundle(tmp_path):
    source = default_bundles()["lga"]
    made = Path(shutil.copytree(source, tmp_path / "lga"))
    for entry in Bundle(source).manifest.graphs.values():
        if entry.weights:
            shutil.copy(source.parent / "shared" / entry.weights, made)
    return made


def test_bundles_in_folders_and_zips(library, bundle, tmp_path, photo):
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, f"lga/{file.name}")
    stored = tmp_path / "stored.zip"
    with zipfile.ZipFile(stored, "w") as archive:
        for file in bundle.iterdir():
            archive.write(file, file.name)
    made = []
    for path in (bundle, packed, stored):
        with library.load(str(path)) as model, model.prepare(photo) as canvas:
            made.append(canvas.lines(LINE))
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_damaged_bundles(library, bundle, tmp_path):
    graph = bundle / "affinity.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-10])
    with pytest.raises(Failure, match=r"affinity.onnx.* is damaged"):
        library.load(str(bundle))
    graph.unlink()
    with pytest.raises(Failure, match=r"affinity.onnx is missing"):
        library.load(str(bundle))
    manifest = bundle / "manifest.json"
    text = manifest.read_text()
    for content, word in (
        (text.replace('"global_step": 12', '"global_step": 13'), "SHA-256 does not match"),
        (text[:-20], "not valid JSON"),
        ("{}", "format"),
        ("", "not valid JSON"),
        ("[1, 2", "not valid JSON"),
    ):
        manifest.write_text(content)
        with pytest.raises(Failure, match=word) as failure:
            library.load(str(bundle))
        assert failure.value.kind == "bundle"
    manifest.unlink()
    with pytest.raises(Failure, match="is missing, so this is no bundle"):
        library.load(str(bundle))
    junk = tmp_path / "junk.zip"
    junk.write_bytes(b"PK\x03\x04" + bytes(300))
    with pytest.raises(Failure, match="sound zip file"):
        library.load(str(junk))


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("lga", {"method": "imported"}, "'imported' is not known to this library.*Python package"),
        ("rasc", {}, "paper's own network.*Python package computes it"),
    ],
)
def test_what_python_alone_computes(library, tmp_path, name, change, word):
    folder = Path(shutil.copytree(default_bundles()[name], tmp_path / name))
    manifest = Bundle(folder).manifest
    if "method" in change:
        manifest = replace(manifest, **change)
    else:
        graphs = {**manifest.graphs, "decode": manifest.graphs["paint"]}
        manifest = replace(manifest, graphs=graphs)
    (folder / "manifest.json").write_text(manifest.to_json())
    with pytest.raises(Failure, match=word) as failure:
        library.load(str(folder))
    assert failure.value.kind == "bundle"


def test_no_truncated_zip_loads(library, bundle, tmp_path):
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, file.name)
    whole = packed.read_bytes()
    for length in (0, 10, 100, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        packed.write_bytes(whole[:length])
        with pytest.raises(Failure) as failure:
            library.load(str(packed))
        assert failure.value.kind == "bundle"
