"""The binary interface stays what it is under a number: compared with the one that is written down.

What a compiler makes of the header is taken from a library of empty functions: the real one has
others, but its functions are compiled against the same declarations.

After a change that breaks programs: raise CD_ABI in colordeploy.h, the symbols' version in
colordeploy.map and `abi` in csrc/c/CMakeLists.txt, and write the new interface down by
``python -m tests.c.test_abi``.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from .building import ROOT, run, tool

HERE = Path(__file__).parent
HEADER = ROOT / "include" / "colordeploy.h"
FUNCTION = re.compile(r"CD_API\s+([\w\s*]+?)(cd_\w+)\(([^;]*)\);")


def number():
    """CD_ABI of the header."""
    return int(re.search(r"#define CD_ABI (\d+)", HEADER.read_text())[1])


def functions():
    """Type, name and parameters of each function that the header declares."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    return FUNCTION.findall(text)


def written(header, target):
    """Write down the interface that a header declares."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "interface.c"
        bodies = (
            f"{kind} {name}({parameters}) {{ {'' if kind.strip() == 'void' else 'return 0;'} }}"
            for kind, name, parameters in functions()
        )
        source.write_text(f'#include "{header}"\n' + "\n".join(bodies) + "\n")
        library = Path(folder) / "interface.so"
        run([tool("gcc", "cc"), "-std=c11", "-g", "-shared", "-fPIC", source, "-o", library])
        run([
            tool("abidw"), "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
            "--type-id-style", "hash", "--out-file", target, library,
        ])  # fmt: skip
    text = target.read_text()
    target.write_text(re.sub(r" path='[^']*'", "", text))  # the folder


def test_the_interface_is_the_one_of_its_number(tmp_path):
    tool("abidw"), tool("abidiff")
    known = HERE / f"colordeploy-{number()}.abi"
    assert known.exists(), f"{known.name} is missing; see this module's docstring"
    found = tmp_path / "found.abi"
    written(HEADER, found)
    run([tool("abidiff"), "--no-added-syms", known, found])  # functions may be added


def test_a_change_is_noticed(tmp_path):
    changed = tmp_path / "colordeploy.h"
    text = HEADER.read_text()
    changed.write_text(text.replace("int32_t y0, x0, y1, x1;", "int32_t y0, x0, y1, x1, more;"))
    assert changed.read_text() != text
    found = tmp_path / "found.abi"
    written(changed, found)
    known = HERE / f"colordeploy-{number()}.abi"
    done = subprocess.run([tool("abidiff"), known, found], capture_output=True, check=False)
    assert done.returncode != 0


def test_what_is_declared_is_there(prefix):
    said = run([tool("nm"), "-D", "--defined-only", prefix / "lib" / "libcolordeploy.so"]).stdout
    there = set(re.findall(r" T (cd_\w+)@", said))
    assert there == {name for _, name, _ in functions()}


def test_the_numbers_are_one():
    cmake = (ROOT / "csrc" / "c" / "CMakeLists.txt").read_text()
    symbols = (ROOT / "csrc" / "c" / "colordeploy.map").read_text()
    assert f"set(abi {number()})" in cmake
    assert f"COLORDEPLOY_{number()} {{" in symbols


if __name__ == "__main__":
    written(HEADER, HERE / f"colordeploy-{number()}.abi")
