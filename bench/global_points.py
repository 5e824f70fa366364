"""What the clique over global points costs and what it is worth.

    python bench/global_points.py --data FOLDER [--photos 60] [--large 2048]

First the quality of the shipped `lga` on validation photos at 256 pixels for other spacings of the
global points than the 12 it was trained with (PSNR over levin, both kinds of strokes of the
evaluation). Then the time and the memory of one solution when the spacing grows with the picture,
so that the number of global points stays that of 256 pixels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from propagation import PARAMETERS, THREADS, forget_peak, resident, system

from colordeploy.native import propagate
from export.data.photos import PhotoArchive
from export.evaluation.metrics import psnr
from export.evaluation.scribble import KINDS, Method, strokes_of

STEPS = (0, 48, 24, 16, 12, 8)


def quality(data: Path, count: int) -> None:
    photos = PhotoArchive(data, "val").photos
    photos = [photos[i * len(photos) // count] for i in range(count)]
    levin, model = Method(None).load(), Method("lga").load()
    gains = defaultdict(list)
    for photo in photos:
        rgb = photo.rgb()
        truth = np.round(rgb * 255).astype(np.uint8)
        strokes = {kind: strokes_of(photo, rgb, kind) for kind in KINDS}
        canvas = levin.prepare(truth)
        base = {kind: psnr(canvas.render(strokes[kind]), truth) for kind in KINDS}
        for step in STEPS:
            model.parameters = replace(model.parameters, global_step=step)
            canvas = model.prepare(truth)
            for kind in KINDS:
                gains[step, kind].append(psnr(canvas.render(strokes[kind]), truth) - base[kind])
    print(f"PSNR over levin, {len(photos)} validation photos at 256 pixels, by spacing")
    for step in STEPS:
        gain = "  ".join(f"({kind}) {np.mean(gains[step, kind]):+.2f} dB" for kind in KINDS)
        print(f"{step:>4}: {gain}" + ("  (no global points)" if step == 0 else ""))


def cost_of_one(size: int) -> None:
    features, mask, _, values = system(size)
    parameters = {**PARAMETERS, "global_step": 12 * size // 256}
    before = forget_peak()
    begin = time.perf_counter()
    propagate(features, mask, values, threads=THREADS, **parameters)
    cold = time.perf_counter() - begin
    begin = time.perf_counter()
    propagate(features, mask, values, threads=THREADS, **parameters)
    warm = time.perf_counter() - begin
    print(
        f"{size:>5}: {1e3 * warm:.0f} ms (the first, with planning: {1e3 * cold:.0f} ms), "
        f"{resident('VmHWM') - before:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--large", type=int, default=2048)
    parser.add_argument("--cost-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cost_of:
        cost_of_one(arguments.cost_of)
        return
    if arguments.data:
        quality(arguments.data, arguments.photos)
    print(f"one solution, {THREADS} threads, global points as at 256 pixels (441 to 484)")
    size = 256
    while size <= arguments.large:
        subprocess.run([sys.executable, __file__, "--cost-of", str(size)], check=True)
        size *= 2


if __name__ == "__main__":
    main()
