"""The solver on a GPU against the CPU's, and against cuDSS; and the floor under them.

    python bench/gpu.py [--sizes 256 512 1024] [--rounds 20] [--out bench/results/gpu]
    python bench/gpu.py --floor

Synthetic features of 16 channels, two outputs, ten strokes; an edit is two strokes more or less, in
turn. "cold" is from features in device memory to colours in device memory with the plan of the size
there (affinities, factorization, substitution); "edit" a solve with other strokes; "colours" one
with the same. Medians of wall time around work that has ended on the device, and of the device's
own time (CUDA events). Before any time is told the answer is compared with the CPU's. cuDSS (extra
[cuda]) solves the same systems in turns with ours; its analysis is kept for a size and left out.
Device arrays come from torch or CuPy, whichever is there.

--floor needs no GPU: for the sizes, how many operations and bytes the method needs at least, what
they take at a GPU's peak rates, and how many kernels follow each other. It also says in the results
file that nothing has run, until something has.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.errors import BackendError, SolverError
from colordeploy.native import Propagator
from colordeploy.native.cudss import cudss_library
from colordeploy.native.device import cuda_module
from colordeploy.native.plans import plan_of
from colordeploy.runtime.driver import open_driver
from colordeploy.trace import recording

LIMIT = 1e-3  # of x, against the CPU
CPU_THREADS = 2
# An H200 SXM by its data sheet: double precision without tensor cores, and memory.
PEAK = {"GFLOP/s": 34_000.0, "GB/s": 4_800.0}
GOALS = {256: (4.0, 1.0), 512: (20.0, 4.0)}  # cold and edit, ms


def problem(side: int) -> tuple[NDArray[np.float32], list[NDArray[np.bool_]], NDArray[np.float64]]:
    """Features, the masks of both stroke sets, values."""
    rng = np.random.default_rng(side)
    y, x = np.mgrid[:side, :side] / side
    waves = rng.normal(size=(16, 3)) * 6
    features = np.stack([np.sin(a * y + b * x + c) for a, b, c in waves], axis=-1)
    features += np.where((y > 0.4)[..., None], 0.5, 0.0)
    mask = np.zeros((side, side), bool)
    for _ in range(10):
        row, column = rng.integers(0, side - side // 8, 2)
        mask[row, column : column + side // 10] = True
    edited = mask.copy()
    for _ in range(2):
        row, column = rng.integers(0, side - side // 8, 2)
        edited[row, column : column + side // 10] ^= True
    return features.astype(np.float32), [mask, edited], rng.normal(size=(side, side, 2))


def floor(side: int) -> dict[str, float]:
    """What cannot be undercut, and how many steps there are."""
    counts = plan_of(side, side, 12).counts
    # Once through the factor for the factorization and twice for the substitution; what a front
    # adds to its parent is written and read.
    moved = 8 * (3 * counts["factor"] + 2 * counts["updates"])
    return {
        "GFLOP": counts["operations"] / 1e9,
        "MB": moved / 1e6,
        "arithmetic, ms": counts["operations"] / 1e6 / PEAK["GFLOP/s"],
        "memory, ms": moved / 1e6 / PEAK["GB/s"],
        "depths": len(counts["pivots"]),
        "panels one after another": (panels := sum(-(-p // 32) for p in counts["pivots"])),
        # Of a panel two, of a depth one to assemble and two to substitute (large fronts: four).
        "kernels one after another, at least": 2 * panels + 3 * len(counts["pivots"]),
    }


def to_device() -> Callable[[NDArray[Any]], Any]:
    try:
        import torch

        if torch.cuda.is_available():
            return lambda a: torch.from_numpy(np.ascontiguousarray(a)).cuda()
    except ImportError:
        pass
    import cupy

    return lambda a: cupy.asarray(a)


def clocked(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Medians in ms of calls that take turns and return when the device is done."""
    times: dict[str, list[float]] = {}
    for turn in range(rounds + 3):
        for name, call in calls.items():
            with recording() as spans:
                begin = time.perf_counter()
                result = call()
                passed = time.perf_counter() - begin
            del result  # taking it down is no part of it
            if turn >= 3:
                times.setdefault(f"{name}, ms", []).append(1e3 * passed)
                if spans.device:
                    device = times.setdefault(f"{name}, device ms", [])
                    device.append(1e-6 * sum(spans.device.values()))
    return {name: float(np.median(values)) for name, values in times.items()}


class Place:
    """A solver at a place, and its picture."""

    def __init__(self, side: int, given: tuple[Any, list[Any], Any], **how: Any) -> None:
        self._features, self._masks, self._values = given
        self._how = {"sigma": 0.3, "alpha": 0.01, **how}
        self._turn = 0
        self.system = self.cold()

    def cold(self) -> Propagator:
        made = Propagator(self._features, **self._how)
        made.solve(self._masks[0], self._values)
        return made

    def edit(self) -> None:
        self._turn ^= 1
        self.system.solve(self._masks[self._turn], self._values)

    def colours(self) -> None:
        self.system.solve(self._masks[self._turn], self._values)

    def answers(self) -> list[NDArray[np.float64]]:
        found = [self.system.solve(mask, self._values) for mask in self._masks]
        return [x if isinstance(x, np.ndarray) else x.numpy() for x in found]


def measure(side: int, rounds: int) -> dict[str, Any]:
    features, masks, values = problem(side)
    place = to_device()
    on_device = (place(features), [place(mask) for mask in masks], place(values))
    places = {"ours": Place(side, on_device, device="cuda")}
    row: dict[str, Any] = {}
    try:
        row["cuDSS, version"] = cuda_module().cudss_version(str(cudss_library()))
        places["cuDSS"] = Place(side, on_device, device="cuda", solver="cudss")
    except (BackendError, SolverError) as error:
        row["cuDSS"] = f"left out: {error}"
    cpu = Place(side, (features, masks, values), threads=CPU_THREADS)
    expected = cpu.answers()
    for name, there in list(places.items()):
        try:
            pairs = zip(there.answers(), expected, strict=True)
            worst = max(float(np.abs(found - x).max()) for found, x in pairs)
        except SolverError as error:
            if name == "ours":
                raise
            row[name], worst = f"left out: {error}", np.inf
        row[f"{name}, largest error"] = worst
        if not worst < LIMIT and name == "ours":
            raise SystemExit(f"{side}: off by {worst:.2g} from the CPU; no time is told")
        if not worst < LIMIT:
            row.setdefault(name, "left out: its answer is a wrong one")
            del places[name]
    for scope in ("cold", "edit", "colours"):
        row |= clocked({f"{n}, {scope}": getattr(p, scope) for n, p in places.items()}, rounds)
        few = max(3, rounds // 5)
        row |= clocked({f"CPU, {scope}": getattr(cpu, scope)}, few)
        for peer in (n for n in (*places, "CPU") if n != "ours"):
            row[f"{peer} / ours, {scope}"] = row[f"{peer}, {scope}, ms"] / row[f"ours, {scope}, ms"]
    row |= {f"floor, {key}": value for key, value in floor(side).items()}
    if side in GOALS:
        cold, edit = GOALS[side]
        row["goal met"] = row["ours, cold, ms"] < cold and row["ours, edit, ms"] < edit
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("bench/results/gpu"))
    arguments = parser.parse_args()
    if arguments.floor:
        floors = {str(side): floor(side) for side in arguments.sizes}
        for side, row in floors.items():
            print(side, json.dumps({k: round(v, 4) for k, v in row.items()}))
        target = arguments.out.with_suffix(".json")
        if not target.exists() or "not run" in json.loads(target.read_text()):
            why = "no GPU has run this yet; the floors are counted, everything else is to come"
            target.write_text(json.dumps({"not run": why, "floor": floors}, indent=1) + "\n")
        return
    try:
        cuda = cuda_module()
    except BackendError as error:
        raise SystemExit(str(error)) from None
    record: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d"),
        "machine": platform.platform(),
        "GPUs": open_driver().describe(),
        "architecture": cuda.architecture(0),
        "CPU threads": CPU_THREADS,
    }
    for side in arguments.sizes:
        record[str(side)] = row = measure(side, arguments.rounds)
        print(side, json.dumps(row, indent=1), flush=True)
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
