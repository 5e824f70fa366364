"""The whole library on aarch64, by a cross compiler and an emulator: pytest -m aarch64."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .building import FOLDER, OPTIONS, ROOT, build_tree, run

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
PROGRAM = Path(__file__).with_name("every_method.cpp")
pytestmark = [
    pytest.mark.aarch64,
    pytest.mark.skipif(
        not (shutil.which(COMPILER) and shutil.which(EMULATOR)),
        reason=f"needs {COMPILER} and {EMULATOR} (Debian: g++-aarch64-linux-gnu, qemu-user)",
    ),
]


def said(prefix, compiler, folder, *before):
    """What the program says, linked with the library of a prefix."""
    program = folder / "every_method"
    run([
        compiler, "-std=c++20", "-O1", PROGRAM, f"-I{prefix}/include", f"-L{prefix}/lib",
        "-lcolordeploy", "-o", program,
    ])  # fmt: skip
    environment = {
        "LD_LIBRARY_PATH": str(prefix / "lib"),
        "COLORDEPLOY_BUNDLES": str(ROOT / "colordeploy" / "bundles"),
        "PATH": os.environ["PATH"],
    }
    passed = [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
    command = [*before, *(passed if before else []), program]
    return run(command, env=environment).stdout.splitlines()


def test_pictures_of_all_methods_are_those_of_this_processor(prefix, tmp_path):
    """To the last bit: both fuse multiplications and additions, and add in the same order."""
    there = build_tree(
        FOLDER / "aarch64",
        [
            "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
            f"-DCMAKE_CXX_COMPILER={COMPILER}", *OPTIONS,
        ],
    )  # fmt: skip
    folders = tmp_path / "there", tmp_path / "here"
    for folder in folders:
        folder.mkdir()
    found = said(there, COMPILER, folders[0], EMULATOR, "-L", "/usr/aarch64-linux-gnu")
    assert len(found) == 7
    assert found == said(prefix, "g++", folders[1])
