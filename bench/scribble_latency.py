"""Load, prepare and render of a 1024x768 photo (the example photo, enlarged), warm, on two threads.

python bench/scribble_latency.py [--json FILE] [--repeat N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

import colordeploy

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZE = (1024, 768)


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
            result[f"{name} {size}"] = {"load": load, **medians}
            row = "  ".join(f"{key} {1000 * value:7.1f} ms" for key, value in medians.items())
            print(f"{name:6s} working size {size:4d}  {row}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
