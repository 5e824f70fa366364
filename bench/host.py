"""What a host waits for on a large picture: regions, previews, edits, cancelling, starting.

    python bench/host.py [--megapixels 24] [--model lga ...] [--rounds 9] [--cancel]
                         [--out FILES]

The example photo, enlarged (a drawing of circles for line art), two threads, guidance of the
method's record. Medians in ms:

* region: 1024x1024 pixels from the middle, guidance unchanged; it is compared with that part of the
  whole result before any time is printed;
* preview: the whole result at a short side of 1024, guidance unchanged, the first time (the
  lightness has to be reduced) and then;
* whole: the whole result, guidance unchanged;
* edit: the whole result after an edit, and edit in view: the same for the region only;
* cancel: from `CancelToken.cancel`, at many moments of a prepare and a render at a working size of
  1024, to `Cancelled`: the longest wait.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from large_pictures import THREADS, drawing, photo

import colordeploy
from colordeploy.bench.workload import method_of
from colordeploy.errors import Cancelled

SIDE = 1024
MODELS = ("levin", "lga", "disco", "sscn", "rasc")
COLUMNS = ("region", "first preview", "preview", "whole", "edit", "edit in view", "cancel")


def clocked(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - begin)


def cancelled(work: Callable[[colordeploy.CancelToken], Any], after: float) -> float | None:
    """Milliseconds from cancelling to the exception; None when the work was done before."""
    token, at = colordeploy.CancelToken(), []

    def cancel() -> None:
        at.append(time.perf_counter())
        token.cancel()

    timer = threading.Timer(after, cancel)
    timer.start()
    try:
        work(token)
    except Cancelled:
        return 1e3 * (time.perf_counter() - at[0])
    finally:
        timer.cancel()
        timer.join()
    return None


def measure(name: str, megapixels: float, rounds: int) -> dict[str, float]:
    """Medians in ms of one model."""
    with colordeploy.load(name, device="cpu", threads=THREADS) as model:
        method = method_of(model)
        picture = (drawing if method.subject == "drawing" else photo)(megapixels)
        rgb = np.stack([picture, picture // 2, picture // 3], axis=-1)
        rng = np.random.default_rng(0)
        canvas = model.prepare(picture)
        guidance = method.example_guidance(model, canvas, rgb, rng)
        if method.encode_guidance is not None:
            guidance = method.encode_guidance(model, guidance)
        height, width = canvas.size
        y, x = (height - SIDE) // 2, (width - SIDE) // 2
        region = (y, x, y + SIDE, x + SIDE)
        whole = canvas.render(guidance)
        if not np.array_equal(
            canvas.render(guidance, region=region), whole[y : y + SIDE, x : x + SIDE]
        ):
            raise SystemExit(f"{name}: the region differs from that part of the whole")
        samples: dict[str, list[float]] = {column: [] for column in COLUMNS}
        first = clocked(lambda: canvas.render(guidance, size=SIDE))
        for _ in range(rounds):
            samples["region"].append(clocked(lambda: canvas.render(guidance, region=region)))
            samples["preview"].append(clocked(lambda: canvas.render(guidance, size=SIDE)))
            samples["whole"].append(clocked(lambda: canvas.render(guidance)))
            edited = method.example_edit(model, canvas, rgb, rng, guidance)
            samples["edit"].append(clocked(partial(canvas.render, edited)))
            edited = method.example_edit(model, canvas, rgb, rng, guidance)
            samples["edit in view"].append(clocked(partial(canvas.render, edited, region=region)))
            canvas.render(guidance, region=(0, 0, 1, 1))  # it is the shown one again
        samples["first preview"] = [first]
        return {column: float(np.median(values)) for column, values in samples.items() if values}


def longest_cancel(name: str, tries: int) -> float:
    """Milliseconds that the slowest of so many cancellations took."""
    with colordeploy.load(name, device="cpu", threads=THREADS) as model:
        method, rng = method_of(model), np.random.default_rng(0)
        small = (drawing if method.subject == "drawing" else photo)(2)
        shown = np.stack([small, small // 2, small // 3], axis=-1)
        example = method.example_guidance(model, model.prepare(small, size=SIDE), shown, rng)

        def work(token: colordeploy.CancelToken) -> None:
            made = model.prepare(small, size=SIDE, cancel=token)
            given = example
            if method.encode_guidance is not None:
                given = method.encode_guidance(model, example, cancel=token)
            made.render(given, cancel=token)

        seconds = clocked(lambda: work(colordeploy.CancelToken())) / 1e3
        waits = [cancelled(work, seconds * (i + 1) / (tries + 1)) for i in range(tries)]
        return max(wait for wait in waits if wait is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="name or bundle; any number")
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cancel", action="store_true", help="that column only; writes no file")
    parser.add_argument("--out", type=Path, default=Path("bench/results/host"))
    arguments = parser.parse_args()
    lines = [
        f"{arguments.megapixels:g} megapixels, {THREADS} threads, medians of {arguments.rounds}, "
        "milliseconds",
        f"{'':8s}" + "".join(f"{column:>15s}" for column in COLUMNS),
    ]
    print("\n".join(lines), flush=True)
    record: dict[str, Any] = {"threads": THREADS, "megapixels": arguments.megapixels}
    for name in arguments.model or MODELS:
        row = {} if arguments.cancel else measure(name, arguments.megapixels, arguments.rounds)
        row["cancel"] = longest_cancel(name, 4 * arguments.rounds)
        record[name] = row
        lines.append(
            f"{Path(name).name:8s}"
            + "".join(f"{row.get(column, np.nan):15.1f}" for column in COLUMNS)
        )
        print(lines[-1], flush=True)
    if arguments.cancel:
        return
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
