"""What an installation takes, and how long the first picture takes in a fresh process.

    python bench/footprint.py [--source FOLDER_OR_WHEEL ...] [--rounds 9] [--out FILES]

Each source (by default this checkout) is installed into an empty environment with ``pip install``.
Sizes are of the environment's site-packages without pip; ONNX Runtime's own files are told apart.
Cold start: a fresh process, from its first line to the first picture of `lga` at 1024x768, two
threads; sources take turns, medians in seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import venv
from pathlib import Path

_FIRST_PICTURE = """
import time
begin = time.perf_counter()
import colordeploy
model = colordeploy.load("lga", device="cpu", threads=2)
import numpy as np
from colordeploy import Stroke
loaded = time.perf_counter()
rng = np.random.default_rng(0)
picture = rng.integers(0, 256, (768, 1024, 3), dtype=np.uint8)
ready = time.perf_counter()
result = model.prepare(picture).render([Stroke([(100, 100), (200, 300)], "red", 9)])
assert result.shape == picture.shape
print(loaded - begin + time.perf_counter() - ready)
"""


def installed(source: Path, folder: Path) -> Path:
    """The interpreter of an empty environment into which a source was installed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", source]
    subprocess.run(command, check=True)
    return python


def sizes(python: Path) -> dict[str, float]:
    """Megabytes of each package of an environment."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", code], text=True).strip())
    found: dict[str, float] = {}
    for path in site.iterdir():
        if path.name.startswith(("pip", "setuptools", "_distutils", "pkg_resources")):
            continue
        files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
        name = path.name.partition("-")[0].partition(".")[0]
        found[name] = found.get(name, 0.0) + sum(p.stat().st_size for p in files) / 1e6
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", action="append", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("bench/results/footprint"))
    arguments = parser.parse_args()
    sources = arguments.source or [Path(__file__).parents[1]]
    record, lines = [], []
    with tempfile.TemporaryDirectory() as folder:
        pythons = [installed(s, Path(folder) / str(i)) for i, s in enumerate(sources)]
        starts: list[list[float]] = [[] for _ in sources]
        for _ in range(arguments.rounds + 1):
            for python, taken in zip(pythons, starts, strict=True):
                command = [python, "-c", _FIRST_PICTURE]
                taken.append(float(subprocess.check_output(command, text=True, cwd=folder)))
        for source, python, taken in zip(sources, pythons, starts, strict=True):
            packages = sizes(python)
            largest = sorted(packages.items(), key=lambda item: -item[1])
            runtime = packages.get("onnxruntime", 0.0)
            row = {
                "source": source.name,
                "megabytes without onnxruntime": sum(packages.values()) - runtime,
                "megabytes of onnxruntime": runtime,
                "cold start": statistics.median(taken[1:]),
                "packages": {name: size for name, size in largest if size > 1},
            }
            record.append(row)
            shown = ", ".join(f"{name} {size:.0f}" for name, size in row["packages"].items())
            lines.append(
                f"{source.name}: {row['megabytes without onnxruntime']:.0f} MB without the "
                f"{runtime:.0f} of onnxruntime; cold start {row['cold start']:.2f} s ({shown})"
            )
            print(lines[-1], flush=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
