"""Two checkouts in turns: `colordeploy bench` of the one, of the other, of the one ... (A B A B).

    python bench/ab.py --old FOLDER --new FOLDER [--python PYTHON] [--rounds 4] [--slack 0.03]
                       [--json FILE] -- lga --size 1024x768 --threads 2 --queries 10 --duration 5

Both checkouts have their core built in place; what follows ``--`` is given to `colordeploy bench`
of each. Every run is a process of its own, so that neither code layout nor memory of the other has
a say; machines drift, so the two take turns and change who begins. Printed are the medians of each
scope over all runs, their ratio (new over old), and the smallest and largest ratio of the rounds.
Ends with status 1 when a ratio is above 1 by more than the slack in every round: what is slower in
some rounds only is noise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MAIN = "from colordeploy.cli import main; main()"
Samples = dict[str, list[float]]  # milliseconds by what was measured


def measured(folder: Path, python: Path, arguments: list[str]) -> Samples:
    """One run of a checkout's own bench."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [str(python), "-c", MAIN, "bench", *arguments, "--cold", "0", "--json", file.name]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{folder}: {done.stderr.strip()[-500:]}")
        runs: list[dict[str, Any]] = json.loads(Path(file.name).read_text())["runs"]
    found: Samples = {}
    for run in runs:
        key = run["key"]
        label = ", ".join(str(key[name]) for name in ("model", "size", "backend", "precision"))
        for scope, values in run["samples_ns"].items():
            found[f"{label}: {scope}"] = [value / 1e6 for value in values]
    return found


def compared(old: list[Samples], new: list[Samples]) -> dict[str, dict[str, float]]:
    """Medians over all rounds and ratios, by what both have measured."""
    rows = {}
    for name in old[0]:
        if name not in new[0]:
            continue
        rounds = [
            statistics.median(b[name]) / statistics.median(a[name])
            for a, b in zip(old, new, strict=True)
        ]
        before, after = (
            statistics.median(value for samples in side for value in samples[name])
            for side in (old, new)
        )
        rows[name] = {
            "old ms": before,
            "new ms": after,
            "ratio": after / before,
            "smallest": min(rounds),
            "largest": max(rounds),
        }
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", type=Path, required=True, help="checkout with a built core")
    parser.add_argument("--new", type=Path, required=True)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of both")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--slack", type=float, default=0.03)
    parser.add_argument("--json", type=Path)
    parser.add_argument("arguments", nargs="+", help="of `colordeploy bench`, after --")
    given = parser.parse_args()
    old: list[Samples] = []
    new: list[Samples] = []
    for turn in range(given.rounds):
        sides = [(given.old.resolve(), old), (given.new.resolve(), new)]
        for folder, samples in sides if turn % 2 == 0 else reversed(sides):
            samples.append(measured(folder, given.python, given.arguments))
    rows = compared(old, new)
    print(f"{'':44s}{'old ms':>10s}{'new ms':>10s}{'new/old':>9s}   rounds")
    for name, row in rows.items():
        slower = "  SLOWER" if row["smallest"] > 1 + given.slack else ""
        print(
            f"{name:44s}{row['old ms']:10.2f}{row['new ms']:10.2f}{row['ratio']:9.3f}   "
            f"{row['smallest']:.3f} to {row['largest']:.3f}{slower}"
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(int(any(row["smallest"] > 1 + given.slack for row in rows.values())))


if __name__ == "__main__":
    main()
