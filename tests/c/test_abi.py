"""The binary interface stays what it is under a number: compared with the one that is written down.

After a change that breaks programs: raise CD_ABI in colordeploy.h, the symbols' version in
colordeploy.map and `abi` in csrc/c/CMakeLists.txt, and write the new interface down by
``python -m tests.c.test_abi``.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from .building import ROOT, install, run, tool

HERE = Path(__file__).parent


def number():
    """CD_ABI of the header."""
    header = (ROOT / "include" / "colordeploy.h").read_text()
    return int(re.search(r"#define CD_ABI (\d+)", header)[1])


def written(prefix, target):
    """Write a library's interface, without anything that depends on the machine."""
    run([
        tool("abidw"), "--headers-dir", prefix / "include", "--drop-private-types",
        "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--type-id-style", "hash",
        "--out-file", target, prefix / "lib" / "libcolordeploy.so",
    ])  # fmt: skip


def test_the_interface_is_the_one_of_its_number(prefix, tmp_path):
    known = HERE / f"colordeploy-{number()}.abi"
    assert known.exists(), f"{known.name} is missing; see this module's docstring"
    found = tmp_path / "found.abi"
    tool("abidiff")
    written(prefix, found)
    run([tool("abidiff"), "--no-added-syms", known, found])  # functions may be added


def test_a_change_is_noticed(prefix, tmp_path):
    known = (HERE / f"colordeploy-{number()}.abi").read_text()
    changed = tmp_path / "changed.abi"
    smaller = re.sub(r"(<class-decl name='cd_rect' size-in-bits=)'128'", r"\1'96'", known)
    assert smaller != known
    changed.write_text(smaller)
    found = tmp_path / "found.abi"
    written(prefix, found)
    done = subprocess.run([tool("abidiff"), changed, found], capture_output=True, check=False)
    assert done.returncode != 0


def test_the_numbers_are_one():
    cmake = (ROOT / "csrc" / "c" / "CMakeLists.txt").read_text()
    symbols = (ROOT / "csrc" / "c" / "colordeploy.map").read_text()
    assert f"set(abi {number()})" in cmake
    assert f"COLORDEPLOY_{number()} {{" in symbols


if __name__ == "__main__":
    written(install(), HERE / f"colordeploy-{number()}.abi")
