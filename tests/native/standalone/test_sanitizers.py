"""The core under sanitizers, and with memory and threads that run out: pytest -m sanitizers."""

from __future__ import annotations

import os
import platform
import subprocess

import pytest

from .build import build

pytestmark = [
    pytest.mark.sanitizers,
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"), reason="built for x86 instruction sets"
    ),
]
SETS = ("avx2", "avx512")
RUNS = [("check", isa) for isa in ("generic", *SETS)] + [("race", "avx512")]


def run(program, what, isa):
    done = subprocess.run(
        [str(program), what],
        env={
            **os.environ,
            "COLORDEPLOY_ISA": isa,
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "TSAN_OPTIONS": "halt_on_error=1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.split()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    flags = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
    return build(tmp_path_factory.mktemp("address"), flags.split(), sets=SETS)


@pytest.fixture(scope="module")
def thread(tmp_path_factory):
    return build(tmp_path_factory.mktemp("thread"), ["-O1", "-fsanitize=thread"], sets=SETS)


@pytest.fixture(scope="module")
def starving(tmp_path_factory):
    return build(tmp_path_factory.mktemp("starving"), ["-O2", "-DSTARVE"], sets=SETS)


@pytest.mark.parametrize(("what", "isa"), RUNS)
def test_address_and_undefined_behaviour(address, what, isa):
    run(address, what, isa)


@pytest.mark.parametrize("what", ["check", "race"])
def test_threads(thread, what):
    run(thread, what, "avx2")


def test_every_allocation_and_thread_fails_once(starving):
    """Each ends in the right result or in std::bad_alloc, after which the solver works."""
    _, _, refused, *_ = run(starving, "starve", "avx2")
    assert int(refused) > 50
