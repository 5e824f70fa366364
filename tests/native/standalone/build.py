"""Builds the propagation core as a program of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CSRC = ROOT / "csrc"
FLAGS = ["-std=c++20", "-g", "-pthread", "-fopenmp-simd", "-ffp-contract=off"]
KERNELS = ["-ffp-contract=fast", "-Wno-psabi", "-Wno-unknown-pragmas"]
X86 = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
}


def build(
    folder: Path, flags: Sequence[str], *, compiler: str = "g++", sets: Sequence[str] = ()
) -> Path:
    """Path of the program; `sets`: kernels besides the base ones."""
    sources = {path: [] for path in (CSRC / "propagation").glob("*.cpp")}
    sources |= {CSRC / "memory.cpp": [], CSRC / "process" / "resources.cpp": []}
    sources[Path(__file__).with_name("core.cpp")] = []
    for name in ("generic", *sets):
        path = CSRC / "propagation" / "kernels" / f"{name}.cpp"
        sources[path] = [*KERNELS, *X86.get(name, [])]
    defines = ["-DCOLORDEPLOY_NEON_KERNELS"] if "neon" in sets else []
    defines += ["-DCOLORDEPLOY_X86_KERNELS"] if "avx2" in sets else []

    def compiled(item: tuple[Path, list[str]]) -> str:
        source, own = item
        target = folder / f"{source.parent.name}_{source.stem}.o"
        subprocess.run(
            [compiler, *FLAGS, *flags, *defines, *own, "-c", str(source), "-o", str(target)],
            check=True,
        )  # fmt: skip
        return str(target)

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compiled, sources.items()))
    program = folder / "core"
    subprocess.run([compiler, "-pthread", *flags, *objects, "-o", str(program), "-ldl"], check=True)
    return program
