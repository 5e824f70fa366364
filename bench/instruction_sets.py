"""The solver with every instruction set that the processor has, side by side, answers compared.

    python bench/instruction_sets.py [--size 256] [--rounds 3] [--out FILES]

The system is that of ``bench/propagation.py``. Each set runs in processes of its own, in turns, by
one thread; reported are processor milliseconds (what other programs do counts little), the smallest
of all rounds: ``propagate`` from features to colours, ``edit`` after two strokes more or less,
``recolour`` with other colours on the same strokes; for a factor in double and in single precision.
Writes FILES.json and FILES.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SETS = ("avx512", "avx2", "neon", "generic")
PRECISIONS = ("double", "single")
PARTS = ("propagate", "edit", "recolour")
REPEATS = 12
TOLERANCE = {"double": 1e-9, "single": 1e-4}  # in x, against the first set in double precision


def fastest(call: Callable[[], object]) -> float:
    """Processor milliseconds of the fastest of some calls."""
    taken = []
    for _ in range(REPEATS):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return 1e3 * min(taken)


def measure_one(size: int, precision: str, answer: Path) -> dict[str, object]:
    from propagation import PARAMETERS, system

    from colordeploy.native import Propagator, propagate
    from colordeploy.native._core import instruction_set

    features, few, more, values = system(size)
    options = {**PARAMETERS, "threads": 1, "precision": precision}
    editor = Propagator(features, **options)
    np.save(answer, editor.solve(few, values))
    masks = [few, more]  # the first is the one solved for

    def edit() -> None:
        masks.reverse()
        editor.solve(masks[0], values)

    return {
        "set": instruction_set(),
        "propagate": fastest(lambda: propagate(features, few, values, **options)),
        "edit": fastest(edit),
        "recolour": fastest(lambda: editor.solve(masks[0], values)),
    }


def in_turn(name: str, precision: str, size: int, answer: Path) -> dict[str, object] | None:
    """What a process with one set measures; None where the processor does not have it."""
    command = [sys.executable, __file__, "--one", precision, "--size", str(size)]
    done = subprocess.run(
        [*command, "--answer", str(answer)],
        env={**os.environ, "COLORDEPLOY_ISA": name, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found if found["set"] == name else None


def table(size: int, results: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [f"{size}x{size}, processor milliseconds of one thread, the smallest of all rounds"]
    names = [f"{part}, {precision}" for precision in PRECISIONS for part in PARTS]
    lines.append(f"{'':8s}" + "".join(f"{name:>20s}" for name in names))
    for name, found in results.items():
        row = [found[precision][part] for precision in PRECISIONS for part in PARTS]
        lines.append(f"{name:8s}" + "".join(f"{value:20.1f}" for value in row))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench/results/instruction_sets"))
    parser.add_argument("--one", choices=PRECISIONS, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_one(arguments.size, arguments.one, arguments.answer)))
        return
    results: dict[str, dict[str, dict[str, float]]] = {}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    answer, reference = arguments.out.with_suffix(".npy"), None
    for _ in range(arguments.rounds):
        for name in SETS:
            for precision in PRECISIONS:
                found = in_turn(name, precision, arguments.size, answer)
                x = np.load(answer)
                answer.unlink()
                if found is None:
                    continue
                reference = x if reference is None else reference
                difference = float(np.abs(x - reference).max())
                if not difference < TOLERANCE[precision]:
                    raise SystemExit(f"{name}, {precision}: off by {difference:.2g}")
                best = results.setdefault(name, {}).setdefault(precision, {})
                for part in PARTS:
                    best[part] = min(best.get(part, np.inf), float(str(found[part])))
    text = table(arguments.size, results)
    print(text)
    document = {"machine": platform.machine(), "size": arguments.size, "results": results}
    arguments.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    arguments.out.with_suffix(".txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
