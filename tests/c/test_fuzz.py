"""Odd input into every function of libcolordeploy, by libFuzzer under sanitizers: pytest -m fuzz.

COLORDEPLOY_FUZZ_RUNS says how many inputs each program is given.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .building import ROOT, run, tool
from .test_abi import functions

pytestmark = pytest.mark.fuzz
SOURCES = Path(__file__).with_name("fuzz")
BUILD = ROOT / "build" / "fuzz"
RUNS = int(os.environ.get("COLORDEPLOY_FUZZ_RUNS", "2000"))
TARGETS = sorted(path.stem for path in SOURCES.glob("*.cpp"))


@pytest.fixture(scope="module")
def programs():
    """All of them, kept for the next run."""
    cmake, compiler = tool("cmake"), tool("clang++")
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run([cmake, "-S", SOURCES, "-B", BUILD, *generator, f"-DCMAKE_CXX_COMPILER={compiler}"])
    run([cmake, "--build", BUILD, "-j", os.environ.get("WORKERS", "2")])
    return BUILD


def test_every_function_is_fed():
    """Each function of the header is called by a program; none is left out."""
    sources = "".join(path.read_text() for path in SOURCES.iterdir())
    named = {name for _, name, _ in functions()}
    assert len(named) > 30
    assert not {name for name in named if not re.search(rf"\b{name}\(", sources)}


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(programs, tmp_path, target):
    done = subprocess.run(
        [
            str(programs / target), f"-runs={RUNS}", "-seed=1", "-max_len=2048", "-timeout=60",
            "-rss_limit_mb=4096", "-print_final_stats=1", f"-artifact_prefix={tmp_path}/",
        ],
        env={**os.environ, "COLORDEPLOY_BUNDLES": str(ROOT / "colordeploy" / "bundles")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    executed = int(re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)[1])
    assert executed >= RUNS
