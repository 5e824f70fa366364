# ruff: noqa: E402 - the thread counts must be set before a BLAS is loaded
"""The propagation core against KLU, CHOLMOD and PARDISO on the same matrices, answers checked.

    python bench/propagation.py [--sizes 64 128 256 512 1024] [--peers-up-to 1024]
                                [--out bench/results/propagation]

The system is a photo's: eight features of the example photo, sigma 0.05, alpha 1, phi 1e-8, global
step 12, two right-hand sides, two threads everywhere. In turn, round by round:

* ``propagate``: this project's, from features to colours;
* ``edit``: `Propagator.solve` after two strokes were added, and after they were removed again;
* both with a factor in float32, as canvases solve;
* the peers: analysis, numeric factorization and solution of the matrix that they are given ready.

Reported are medians and their ratios within the run, and for each solver the memory that one
solution adds to a fresh process. Writes OUT.json, OUT.txt and OUT.png.
"""

from __future__ import annotations

import os

THREADS = 2
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(THREADS)  # before anything loads a BLAS

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from colordeploy.native import Propagator, propagate

sys.path.insert(0, str(Path(__file__).parent))
from peers.sparse_solvers import available

PHOTO = Path(__file__).parents[1] / "examples" / "colosseum.jpg"
PARAMETERS = {"sigma": 0.05, "alpha": 1.0, "phi": 1e-8, "global_step": 12}
REST = 0.3  # seconds before a solver's turn: threads of the one before (OpenMP's) spin that long
REPEATS = 3  # calls in a turn
LARGEST = {"KLU": 512}  # its time grows too fast for more: 15 times from 256 to 512
TOLERANCE = 1e-3  # in x, see DESIGN: colours must be within it


def system(size: int):
    """Features (size, size, 8) float32, two masks that differ by two strokes, values."""
    photo = Image.open(PHOTO).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    rgb = np.asarray(photo, np.float32) / 255
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    scale = size / 256
    smooth = [ndimage.gaussian_filter(luma, s * scale) for s in (0.7, 2, 5)]
    chroma = [ndimage.gaussian_filter(rgb[..., c] - luma, scale) for c in (0, 2)]
    slopes = [np.hypot(*np.gradient(ndimage.gaussian_filter(luma, s * scale))) for s in (1, 3)]
    features = np.stack([luma, *smooth, *chroma, *slopes], -1) * 0.5
    rng = np.random.default_rng(size)
    width = max(1, size // 85)

    def draw(mask, count):
        for _ in range(count):
            y, x = rng.integers(0, size, 2)
            mask[y : y + width, x : x + max(2, size // 12)] = True
        return mask

    few = draw(np.zeros((size, size), bool), 8)
    more = draw(few.copy(), 2)
    return features.astype(np.float32), few, more, rng.random((size, size, 2))


def timed(function, *arguments):
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def measure(size: int, rounds: int, with_peers: bool) -> dict:
    features, few, more, values = system(size)
    peers, absent = available() if with_peers else ([], [])
    peers = [peer for peer in peers if size <= LARGEST.get(peer.name, size)]
    times = defaultdict(list)
    editor = Propagator(features, threads=THREADS, **PARAMETERS)
    editor.solve(few, values)  # plans the size; PARDISO's analysis is not counted either
    options = {**PARAMETERS, "threads": THREADS, "precision": "single"}
    canvas = Propagator(features, **options)
    canvas.solve(few, values)
    matrix, rhs, errors = None, None, {}
    if peers:
        matrix = editor.matrix(few)
        rhs = (values * few[..., None]).reshape(-1, 2)
        for peer in peers if size <= 512 else ():  # what they need once, before the clock runs
            peer.analyze(matrix)
    for _ in range(rounds):
        time.sleep(REST)
        for _ in range(REPEATS):
            seconds, x = timed(
                lambda: propagate(features, few, values, threads=THREADS, **PARAMETERS)
            )
            times["propagate"].append(seconds)
        for _ in range(REPEATS):
            for mask in (more, few):  # two strokes added, two strokes removed
                seconds, edited = timed(editor.solve, mask, values)
                times["edit"].append(seconds)
            times["recolour"].append(timed(editor.solve, few, values)[0])
        if not np.array_equal(edited, x):
            raise SystemExit(f"{size}: an edit gives other bits than a solve from scratch")
        for _ in range(REPEATS):
            seconds, x_single = timed(lambda: propagate(features, few, values, **options))
            times["propagate, float32"].append(seconds)
        for _ in range(REPEATS):
            for mask in (more, few):
                times["edit, float32"].append(timed(canvas.solve, mask, values)[0])
        if not np.abs(x_single - x).max() < TOLERANCE:
            raise SystemExit(f"{size}: float32 is off by {np.abs(x_single - x).max():.2g}")
        for peer in peers:
            time.sleep(REST)
            for _ in range(REPEATS if size <= 256 else 1):
                analysis = timed(peer.analyze, matrix)[0]
                numeric = timed(peer.factorize, matrix)[0]
                solution, found = timed(peer.solve, rhs)
                times[peer.name, "scratch"].append(analysis + numeric + solution)
                times[peer.name, "numeric + solve"].append(numeric + solution)
            errors[peer.name] = float(np.abs(found.reshape(x.shape) - x).max())
            if not errors[peer.name] < TOLERANCE:
                raise SystemExit(
                    f"{size}: {peer.name} and this project differ by {errors[peer.name]:.2g}"
                )
    medians = {
        " ".join(name) if isinstance(name, tuple) else name: 1e3 * float(np.median(seconds))
        for name, seconds in times.items()
    }
    return {
        "size": size,
        "rounds": rounds,
        "milliseconds": medians,
        "largest difference in x": errors,
        "absent": absent,
    }


def resident(field: str) -> float:
    """MiB; field: VmRSS (now) or VmHWM (most since `forget_peak`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/self/status has no {field}")


def forget_peak() -> float:
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def memory_of_one(solver: str, size: int) -> None:
    """Print the MiB that one solution adds to this process at its peak."""
    features, few, _, values = system(size)
    if solver == "propagate":
        before = forget_peak()
        propagate(features, few, values, threads=THREADS, **PARAMETERS)
    else:
        peer = next(p for p in available()[0] if p.name == solver)
        matrix = Propagator(features, threads=THREADS, **PARAMETERS).matrix(few)
        rhs = (values * few[..., None]).reshape(-1, 2)
        before = forget_peak()
        peer.analyze(matrix)
        peer.factorize(matrix)
        peer.solve(rhs)
    print(resident("VmHWM") - before)


def memory(solver: str, size: int) -> float:
    command = [sys.executable, __file__, "--memory-of", solver, "--sizes", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def table(results: list[dict]) -> str:
    lines = [
        "milliseconds (medians), two threads; MiB that one solution adds",
        f"{'size':>5} {'propagate':>10} {'edit':>8} {'recolour':>9}   "
        "float32: propagate     edit | "
        "peers: scratch / numeric + solve",
    ]
    for result in results:
        ms = result["milliseconds"]
        peers = [name[: -len(" scratch")] for name in ms if name.endswith(" scratch")]
        row = f"{result['size']:>5} {ms['propagate']:>10.1f} {ms['edit']:>8.1f} "
        row += f"{ms['recolour']:>9.1f}   "
        row += f"{ms['propagate, float32']:>18.1f} {ms['edit, float32']:>8.1f} | "
        row += "   ".join(
            f"{p} {ms[f'{p} scratch']:.0f} / {ms[f'{p} numeric + solve']:.1f}" for p in peers
        )
        lines.append(row)
    lines += ["", "ratios in the same run (goal)"]
    goals = {128: (10, 2, 4), 256: (20, 2, 5), 512: (30, 2, 5)}
    for result in results:
        ms = result["milliseconds"]
        goal = goals.get(result["size"])
        parts = []
        for label, peer, ours, index in (
            ("KLU from scratch / propagate", "KLU scratch", "propagate", 0),
            ("PARDISO numeric + solve / propagate", "PARDISO numeric + solve", "propagate", 1),
            ("PARDISO numeric + solve / edit", "PARDISO numeric + solve", "edit", 2),
        ):
            if peer in ms:
                aim = f" ({goal[index]})" if goal else ""
                parts.append(f"{label} {ms[peer] / ms[ours]:.1f}{aim}")
        if parts:
            lines.append(f"{result['size']:>5} " + "; ".join(parts))
    lines += ["", "peak memory, MiB"]
    for result in results:
        mib = ", ".join(f"{name} {value:.0f}" for name, value in result["MiB"].items())
        lines.append(f"{result['size']:>5} {mib}")
    lines += ["", "largest difference in x between a peer and this project"]
    for result in results:
        if result["largest difference in x"]:
            differences = result["largest difference in x"].items()
            lines.append(
                f"{result['size']:>5} " + ", ".join(f"{name} {v:.1e}" for name, v in differences)
            )
    lines += sorted({line for result in results for line in result["absent"]})
    return "\n".join(lines)


def plot(results: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2))
    curves = defaultdict(list)
    spaces = defaultdict(list)
    for result in results:
        for name, value in result["milliseconds"].items():
            if name != "recolour":
                curves[name].append((result["size"] ** 2, value))
        for name, value in result["MiB"].items():
            spaces[name].append((result["size"] ** 2, value))
    for axes, data, label in ((left, curves, "milliseconds"), (right, spaces, "MiB")):
        for name, points in data.items():
            own = name.startswith(("propagate", "edit"))
            axes.plot(*zip(*points, strict=True), "o-", lw=2.2 if own else 1, label=name)
        axes.set(xscale="log", yscale="log", xlabel="pixels", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--peers-up-to", type=int, default=1024)
    parser.add_argument("--out", type=Path, default=Path("bench/results/propagation"))
    parser.add_argument(
        "--draw",
        type=Path,
        nargs="+",
        help="Only draw these results; later files count for a size.",
    )
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.draw:
        runs = [json.loads(path.read_text())["results"] for path in arguments.draw]
        by_size = {result["size"]: result for run in runs for result in run}
        plot([by_size[size] for size in sorted(by_size)], arguments.out.with_suffix(".png"))
        return
    if arguments.memory_of:
        memory_of_one(arguments.memory_of, arguments.sizes[0])
        return
    results = []
    for size in arguments.sizes:
        rounds = {64: 11, 128: 11, 256: 5, 512: 3}.get(size, 1)
        result = measure(size, rounds, size <= arguments.peers_up_to)
        names = [n[: -len(" scratch")] for n in result["milliseconds"] if n.endswith(" scratch")]
        result["MiB"] = {name: memory(name, size) for name in ["propagate", *names]}
        results.append(result)
        print(f"{size} done", file=sys.stderr)
    text = table(results)
    print(text)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.processor() or platform.machine(), "cpus": os.cpu_count()}
    document = {**machine, "threads": THREADS, "parameters": PARAMETERS, "results": results}
    arguments.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    arguments.out.with_suffix(".txt").write_text(text + "\n")
    plot(results, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
