"""Load, prepare and render of a 1024x768 photo (the example photo, enlarged), warm, on two threads.

Also a stroke that grows, previewed at 256 pixels as an editor would: on the canvas itself and on
its draft (`ScribbleCanvas.draft`, one thread), and how far their colours are apart (CIE a and b, in
the mean and at the 95th percentile of the pixels).

python bench/scribble_latency.py [--json FILE] [--repeat N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import colordeploy
from colordeploy import Stroke

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZE = (1024, 768)
PREVIEW = 256


def growing(canvas: Any, strokes: Sequence[Stroke]) -> tuple[float, list[Any]]:
    """Median seconds of a preview for a stroke that grows, and some of them as CIE Lab."""
    times, seen = [], []
    for points in range(2, 30):
        line = [(220 + 4 * i, 260 + 6 * i) for i in range(points)]
        drawn = [*strokes, Stroke(line, "#c03028", 9)]
        began = time.perf_counter()
        canvas.render(drawn, size=PREVIEW)
        times.append(time.perf_counter() - began)
        if points % 9 == 0:
            seen.append(canvas.render(drawn, size=PREVIEW, output="lab"))
    return statistics.median(times), seen


def drafts(canvas: Any) -> dict[str, float]:
    strokes = [
        Stroke([(80, 640), (150, 770), (110, 880)], "#4f83c4", 9),
        Stroke([(600, 200), (615, 340), (660, 480)], "#c68863", 9),
        Stroke([(570, 800), (520, 860), (550, 940)], "#d9b25f", 9),
        Stroke([(430, 140), (445, 200)], "#24457a", 9),
    ]
    began = time.perf_counter()
    draft = canvas.draft()
    prepare = time.perf_counter() - began
    exact, fine = growing(canvas, strokes)
    coarse, close = growing(draft, strokes)
    apart = [
        np.hypot(*np.moveaxis((a - b)[..., 1:], -1, 0)) for a, b in zip(fine, close, strict=True)
    ]
    return {
        "draft_prepare": prepare,
        "exact_preview": exact,
        "draft_preview": coarse,
        "apart_mean": float(np.mean(apart)),
        "apart_p95": float(np.percentile(apart, 95)),
        "chroma_mean": float(np.mean([np.hypot(a[..., 1], a[..., 2]) for a in fine])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    photo = np.asarray(Image.open(EXAMPLES / "colosseum.jpg").resize(SIZE))
    strokes = Image.open(EXAMPLES / "colosseum-strokes.png").resize(SIZE, Image.Resampling.NEAREST)
    moved = np.roll(np.asarray(strokes), 5, axis=1)  # another mask: the system is factorized anew
    result: dict[str, dict[str, float]] = {}
    for name in ("levin", "lga"):
        began = time.perf_counter()
        model = colordeploy.load(name, threads=2)
        load = time.perf_counter() - began
        for size in (128, 256, 512):
            times: dict[str, list[float]] = {"prepare": [], "render": [], "edit": []}
            for _ in range(arguments.repeat + 1):
                marks = [time.perf_counter()]
                canvas = model.prepare(photo, size=size)
                marks.append(time.perf_counter())
                picture = canvas.render(np.asarray(strokes))
                marks.append(time.perf_counter())
                canvas.render(moved)
                marks.append(time.perf_counter())
                assert picture.shape == (768, 1024, 3)
                assert np.ptp(picture.astype(int), axis=-1).max() > 30  # there is colour in it
                for key, first, last in zip(times, marks, marks[1:], strict=False):
                    times[key].append(last - first)
            medians = {key: statistics.median(values[1:]) for key, values in times.items()}
            more = drafts(model.prepare(photo, size=size))
            result[f"{name} {size}"] = {"load": load, **medians, **more}
            row = "  ".join(f"{key} {1000 * value:7.1f} ms" for key, value in medians.items())
            print(f"{name:6s} working size {size:4d}  {row}")
            print(
                f"{'':24s} growing stroke: exact {1000 * more['exact_preview']:.1f} ms, draft "
                f"{1000 * more['draft_preview']:.1f} ms; colours {more['apart_mean']:.1f} apart, "
                f"95 % within {more['apart_p95']:.1f}, of {more['chroma_mean']:.1f}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
