"""The core on aarch64, by a cross compiler and an emulator: pytest -m aarch64."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

import pytest

from .build import build

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
pytestmark = [
    pytest.mark.aarch64,
    pytest.mark.skipif(
        not (shutil.which(COMPILER) and shutil.which(EMULATOR)),
        reason=f"needs {COMPILER} and {EMULATOR} (Debian: g++-aarch64-linux-gnu, qemu-user)",
    ),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aarch64")
    return build(folder, ["-O3", "-static"], compiler=COMPILER, sets=["neon"])


def checked(program, isa, *before):
    done = subprocess.run(
        [*before, str(program), "check"],
        env={**os.environ, "COLORDEPLOY_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("isa", ["neon", "generic"])
def test_results_are_right(program, isa):
    assert checked(program, isa, EMULATOR)[0] == isa


def test_several_threads(program):
    subprocess.run([EMULATOR, str(program), "race"], check=True, timeout=900)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="compares with AVX2")
def test_the_bits_are_those_of_avx2(program, tmp_path):
    """Both fuse multiplications and additions, and add in the same order."""
    here = build(tmp_path, ["-O3"], sets=["avx2", "avx512"])
    used, digest = checked(here, "avx2")
    if used != "avx2":
        pytest.skip("no AVX2 here")
    assert checked(program, "neon", EMULATOR)[1] == digest
