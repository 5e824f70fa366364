"""Composing what a screen shows of a large result: a region, a preview, the whole.

    python bench/regions_of_results.py [--megapixels 24] [--threads 2] [--isa avx2] [--out FILES]

Milliseconds (median of --repeats) at the working size 256, without the networks and the solver:
fitting new chroma, a region of 1024x1024, a preview with a short side of 1024 (the lightness
resampled each time), the whole result into memory that is there. For the scribble methods (luma),
the photo methods (lab; and with chroma most of which lies outside of sRGB) and line art. Every
region is compared with the same part of the whole, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

SIDE = 1024
WORKING = 256


def median_ms(call, repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def scene(shape: tuple[int, int]) -> np.ndarray:
    """A smooth lightness with the detail of a photograph's grain."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    grain = np.random.default_rng(0).normal(scale=0.03, size=shape).astype(np.float32)
    return np.clip(0.5 + 0.3 * np.sin(y / 170) * np.cos(x / 230) + grain, 0, 1)


def photos(shape: tuple[int, int], threads: int, repeats: int) -> list[dict[str, float | str]]:
    from colordeploy.native import GuidedChroma, resample

    light = scene(shape)
    scale = WORKING / min(shape)
    working = resample(light, (round(shape[0] * scale), round(shape[1] * scale)))
    small = (round(shape[0] * SIDE / min(shape)), round(shape[1] * SIDE / min(shape)))
    rng = np.random.default_rng(1)
    coarse = rng.normal(size=(12, 18, 2)).astype(np.float32)
    patches = np.stack([resample(coarse[..., c], working.shape) for c in (0, 1)], axis=-1)
    out, region = np.empty((*shape, 3), np.uint8), (600, 700, 600 + SIDE, 700 + SIDE)
    rows = []
    for name, space, strength in (
        ("luma", "luma", 0.1), ("lab", "lab", 0.1), ("lab, vivid", "lab", 0.6)
    ):  # fmt: skip
        chroma = strength * patches
        fitted = GuidedChroma(chroma, working, space=space)
        whole = fitted.compose(light, threads=threads, out=out)
        part = fitted.compose(light, region=region, threads=threads)
        if not np.array_equal(part, whole[600 : 600 + SIDE, 700 : 700 + SIDE]):
            raise SystemExit(f"{name}: the region is not the whole's")
        calls = {
            "fit": lambda c=chroma, s=space: GuidedChroma(c, working, space=s),
            "region": lambda f=fitted: f.compose(light, region=region, threads=threads),
            "preview": lambda f=fitted: f.compose(
                resample(light, small, threads=threads), threads=threads
            ),
            "whole": lambda f=fitted: f.compose(light, threads=threads, out=out),
        }
        rows.append({"what": name, **{k: median_ms(c, repeats) for k, c in calls.items()}})
    return rows


def drawing(shape: tuple[int, int], threads: int, repeats: int) -> dict[str, float | str]:
    from colordeploy.native import Lines, Shading, compose_drawing, reduce_drawing

    rng = np.random.default_rng(2)
    cells = rng.integers(1, 200, (shape[0] // 100 + 1, shape[1] // 100 + 1)).astype(np.int32)
    labels = np.repeat(np.repeat(cells, 100, 0), 100, 1)[: shape[0], : shape[1]].copy()
    opacity = np.zeros(shape, np.uint8)
    opacity[::100], opacity[:, ::100] = 255, 255
    working = tuple(round(n * WORKING / min(shape)) for n in shape)
    small = (round(shape[0] * SIDE / min(shape)), round(shape[1] * SIDE / min(shape)))
    palette = rng.random((200, 3), dtype=np.float32)
    shading = Shading(
        rng.random((*working, 3), dtype=np.float32), rng.integers(0, 200, working).astype(np.int32)
    )
    lines, out = Lines(opacity), np.empty((*shape, 3), np.uint8)
    region = (600, 700, 600 + SIDE, 700 + SIDE)

    def compose(marks, shade, line, **more):
        return compose_drawing(palette, marks, shading=shade, lines=line, threads=threads, **more)

    whole = compose(labels, shading, lines, out=out)
    part = compose(labels, shading, lines, region=region)
    if not np.array_equal(part, whole[600 : 600 + SIDE, 700 : 700 + SIDE]):
        raise SystemExit("line art: the region is not the whole's")
    calls = {
        "region": lambda: compose(labels, shading, lines, region=region),
        "preview": lambda: compose(
            *reduce_drawing(labels, small, shading=shading, lines=lines, threads=threads)
        ),
        "whole": lambda: compose(labels, shading, lines, out=out),
    }
    return {"what": "line art", "fit": 0.0, **{k: median_ms(c, repeats) for k, c in calls.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--isa", help="generic, avx2 or avx512; by default the best")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.isa:
        os.environ["COLORDEPLOY_ISA"] = arguments.isa  # looked at when the core is first used
    height = round((arguments.megapixels * 1e6 / 1.5) ** 0.5)
    shape = (height, round(1.5 * height))
    lines = [
        f"{shape[1]}x{shape[0]}, {arguments.threads} threads, "
        f"{arguments.isa or 'best'} instruction set; milliseconds",
        f"{'':12s}{'fit':>8s}{'region':>8s}{'preview':>9s}{'whole':>8s}{'a megapixel':>13s}",
    ]
    rows = photos(shape, arguments.threads, arguments.repeats)
    rows.append(drawing(shape, arguments.threads, arguments.repeats))
    for row in rows:
        lines.append(
            f"{row['what']:12s}{row['fit']:8.1f}{row['region']:8.1f}{row['preview']:9.1f}"
            f"{row['whole']:8.1f}{row['whole'] / (shape[0] * shape[1] / 1e6):13.2f}"
        )
    print("\n".join(lines))
    if arguments.out:
        arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
        arguments.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
