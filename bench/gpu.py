"""The solver on a GPU against the CPU's, and against cuDSS; and the floor under both.

    python bench/gpu.py [--sizes 256 512 1024] [--rounds 20] [--out bench/results/gpu]
    python bench/gpu.py --floor

Made-up features of 16 channels, two outputs, ten strokes; an edit is two strokes more or less, in
turn. "cold" is from features in device memory to colours in device memory with the plan of the size
there (affinities, factorization, substitution); "edit" a solve with other strokes; "colours" one
with the same. Medians of wall time around work that has ended on the device. Before any time is
told the answer is compared with the CPU's. cuDSS (pip install nvidia-cudss-cu13) gets the same
matrix on the device, its analysis is left out. Device arrays come from torch or CuPy, whichever is
there.

--floor needs no GPU: for the sizes, how many operations and bytes the method needs at least, what
they take at a GPU's peak rates, and how many kernels follow each other. It also says in the results
file that nothing has run, until something has.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.errors import BackendError
from colordeploy.native import Propagator
from colordeploy.native.affinities import plan_of
from colordeploy.native.device import cuda_module

sys.path.insert(0, str(Path(__file__).parent))

LIMIT = 1e-3  # of x, against the CPU
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
        "panels one after another": sum(-(-p // 32) for p in counts["pivots"]),
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


def clocked(call: Callable[[], Any], rounds: int) -> float:
    """Median in ms; `call` returns when the device is done."""
    times = []
    for turn in range(rounds + 3):
        begin = time.perf_counter()
        call()
        if turn >= 3:
            times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def measure(side: int, rounds: int) -> dict[str, Any]:
    features, masks, values = problem(side)
    place = to_device()
    device_features, device_values = place(features), place(values)
    device_masks = [place(m) for m in masks]
    same = {"sigma": 0.3, "alpha": 0.01}

    def cold() -> Propagator:
        made = Propagator(device_features, **same, device="cuda")
        made.solve(device_masks[0], device_values)
        return made

    ours, cpu = cold(), Propagator(features, **same)
    worst = 0.0
    for given, mask in zip(device_masks, masks, strict=True):
        found = ours.solve(given, device_values).numpy()
        worst = max(worst, float(np.abs(found - cpu.solve(mask, values)).max()))
    if not worst < LIMIT:
        raise SystemExit(f"{side}: off by {worst:.2g} from the CPU; no time is told")
    turn = [0]

    def edit() -> None:
        turn[0] ^= 1
        ours.solve(device_masks[turn[0]], device_values)

    def cpu_edit() -> None:
        turn[0] ^= 1
        cpu.solve(masks[turn[0]], values)

    row = {
        "largest error": worst,
        "cold, ms": clocked(cold, rounds),
        "edit, ms": clocked(edit, rounds),
        "colours, ms": clocked(lambda: ours.solve(device_masks[0], device_values), rounds),
        "CPU: propagate, ms": clocked(
            lambda: Propagator(features, **same).solve(masks[0], values), max(3, rounds // 5)
        ),
        "CPU: edit, ms": clocked(cpu_edit, max(3, rounds // 5)),
        **{f"floor, {key}": value for key, value in floor(side).items()},
    }
    if side in GOALS:
        row["goal met"] = row["cold, ms"] < GOALS[side][0] and row["edit, ms"] < GOALS[side][1]
    try:
        from peers.cudss import Cudss

        peer = Cudss(cpu.matrix(masks[0]), values.reshape(-1, 2), place)
        expected = cpu.solve(masks[0], values)
        right = np.where(masks[0][..., None], values, 0.0).reshape(-1, 2)
        off = float(np.abs(peer.solve(right).reshape(expected.shape) - expected).max())
        row |= {"cuDSS, largest error": off, "cuDSS, ms": clocked(peer.run, rounds)}
        row["cuDSS / ours, cold"] = row["cuDSS, ms"] / row["cold, ms"]
    except (ImportError, OSError) as error:
        row["cuDSS"] = f"left out: {error}"
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
        "GPU": cuda.architecture(0),
    }
    for side in arguments.sizes:
        record[str(side)] = row = measure(side, arguments.rounds)
        print(side, json.dumps(row, indent=1), flush=True)
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
