"""Every comparison with peers in one go, and what has become slower against the committed results.

    python bench/everything.py [--official CLONE] [--only propagation ...] [--check] [--slack 0.2]

Each comparison is a program of its own (see the table in README.md) that writes its results; then
the ratios of this project to its peers are put into one table (`bench/results/ratios.txt`) and one
plot. Ratios only: times of two machines, or of two days on one, say nothing. ``--check`` leaves the
committed results alone, measures into a temporary folder, and ends with status 1 when a ratio fell
by more than the slack.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def _propagation(found: Any) -> dict[str, float]:
    ratios = {}
    for row in found["results"]:
        times = row["milliseconds"]
        side = row["size"]
        for peer, name in (("KLU", "KLU scratch"), ("PARDISO", "PARDISO numeric + solve")):
            if name in times:
                ratios[f"{side}: {peer} / ours"] = times[name] / times["propagate"]
        ratios[f"{side}: from scratch / edit"] = times["propagate"] / times["edit"]
    return ratios


# The default and the fastest of ours; the others are in models.txt.
_SHOWN = (
    "PyTorch / ours", "torch.compile / ours", "PyTorch / ours, OpenVINO bf16",
    "eager bfloat16 / ours, OpenVINO bf16",
)  # fmt: skip


def _models(found: Any) -> dict[str, float]:
    ratios = {}
    for name in ("lga", "disco", "sscn", "rasc"):
        for key, ratio in found.get(name, {}).get("ratios", {}).items():
            who, _, scope = key.rpartition(", ")
            edit = ", edit" if scope == "edit" else ""
            if who in _SHOWN:
                ratios[f"{name}{edit}: {who}"] = ratio
    cold = found.get("cold start of lga, s")
    return ratios | ({"lga, cold: PyTorch / ours": cold["PyTorch"] / cold["ours"]} if cold else {})


def _disco(found: Any) -> dict[str, float]:
    return {key: found[key] for key in ("official / ours", "ours / edit", "official / bf16")}


def _sscn(found: Any) -> dict[str, float]:
    return {
        f"{side}: {key}": found[side][key]
        for side in ("256", "512")
        for key in ("dense / sparse", "first / second")
    }


@dataclass(frozen=True)
class Comparison:
    """A program, and the ratios in what it writes; larger is better for all of them."""

    ratios: Callable[[Any], dict[str, float]]
    arguments: tuple[str, ...] = ()
    needs_official: bool = False


COMPARISONS = {
    "propagation": Comparison(_propagation, ("--sizes", "64", "128", "256", "512")),
    "coloring_layer": Comparison(lambda found: {"KLU / ours": found["klu_ms"] / found["ms"]}),
    "models": Comparison(_models),
    "sscn": Comparison(_sscn),
    "disco": Comparison(_disco, needs_official=True),
}


def run(name: str, comparison: Comparison, official: Path | None, out: Path) -> None:
    command = [sys.executable, str(HERE / f"{name}.py"), *comparison.arguments, "--out", str(out)]
    if comparison.needs_official:
        command += ["--official", str(official)]
    print(f"\n== {name}", flush=True)
    subprocess.run(command, check=True)


def plot(ratios: dict[str, float], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(ratios)[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.28 * len(names) + 1))
    axes.barh(names, [ratios[name] for name in names])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times faster")
    axes.tick_params(labelsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, help="Clone of DISCO's official code.")
    parser.add_argument("--only", nargs="+", choices=list(COMPARISONS))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--slack", type=float, default=0.2)
    parser.add_argument("--collect", action="store_true", help="Measure nothing: table and plot.")
    arguments = parser.parse_args()
    ratios: dict[str, float] = {}
    slower = []
    with tempfile.TemporaryDirectory() as folder:
        for name, comparison in COMPARISONS.items():
            if arguments.only and name not in arguments.only:
                continue
            committed = RESULTS / name
            out = Path(folder) / name if arguments.check else committed
            if not arguments.collect:
                if comparison.needs_official and arguments.official is None:
                    print(f"\n== {name} is left out: it needs --official")
                    if arguments.check:
                        continue
                else:
                    run(name, comparison, arguments.official, out)
            if not out.with_suffix(".json").is_file():
                continue
            found = comparison.ratios(json.loads(out.with_suffix(".json").read_text()))
            ratios |= {f"{name}, {key}": value for key, value in found.items()}
            if arguments.check:
                before = comparison.ratios(json.loads(committed.with_suffix(".json").read_text()))
                slower += [
                    f"{name}, {key}: {found[key]:.2f}, was {value:.2f}"
                    for key, value in before.items()
                    if key in found and found[key] < (1 - arguments.slack) * value
                ]
    width = max(map(len, ratios))
    lines = [f"{platform.machine()}, two threads; ratios of times, larger is better for us"]
    lines += [f"{name:{width}s} {value:8.2f}" for name, value in ratios.items()]
    print("\n" + "\n".join(lines))
    if not arguments.check and not arguments.only:
        (RESULTS / "ratios.txt").write_text("\n".join(lines) + "\n")
        plot(ratios, RESULTS / "ratios.png")
    for line in slower:
        print(f"slower: {line}")
    if slower:
        sys.exit(1)


if __name__ == "__main__":
    main()
