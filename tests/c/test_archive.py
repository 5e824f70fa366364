"""What is installed, and what the doctor says of it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from colordeploy._version import __version__
from colordeploy.cli import cli

from .building import BUILD, FOLDER, ROOT, install


def test_what_is_installed(package):
    for path in (
        "include/colordeploy.h",
        "lib/libcolordeploy.so.1",
        "lib/cmake/colordeploy/colordeployConfig.cmake",
        "lib/cmake/colordeploy/colordeployConfigVersion.cmake",
        "lib/pkgconfig/colordeploy.pc",
        "share/colordeploy/bundles/lga/manifest.json",
        "share/doc/colordeploy/LICENSE",
        "share/doc/colordeploy/NOTICE",
        "share/doc/colordeploy/LICENSES/CC-BY-SA-4.0.txt",
    ):
        assert (package / path).exists(), path
    assert list((package / "share" / "colordeploy" / "bundles" / "shared").iterdir())


def test_nothing_leads_to_where_it_was_built(package):
    """Of an archive; what is installed from the tree is for this machine."""
    if package == install():
        pytest.skip("installed for this machine")
    for path in package.rglob("*"):
        if path.is_file() and path.suffix not in (".onnx", ".npz", ".weights"):
            content = path.read_bytes()
            for place in (ROOT, BUILD, FOLDER):
                assert str(place).encode() not in content, path


def test_versions_are_one(library):
    assert library.raw.cd_version().decode() == __version__
    assert library.raw.cd_abi() == 1


def test_the_doctor_names_the_library(library, monkeypatch):
    def said():
        done = CliRunner().invoke(cli, ["doctor", "--json", "--quick"])
        return json.loads(done.stdout)

    monkeypatch.setenv("COLORDEPLOY_LIBRARY", str(library.path))
    assert said()["c_library"] == f"{library.path}: {__version__}, interface 1"
    monkeypatch.setenv("COLORDEPLOY_LIBRARY", "/nowhere/libcolordeploy.so")
    found = said()
    assert found["c_library"] == "none"
    assert any("COLORDEPLOY_LIBRARY" in missing["fix"] for missing in found["missing"])
