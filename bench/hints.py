"""Hints on line art beside G'MIC's line-art colorization, what painters use today.

    python bench/hints.py --data LINEART [--data ...] [--limit N] [--threads 2] [--out FILES]

Needs the command ``gmic`` (Debian: apt install gmic). On validation pairs both are given the same
hints, one dab for each area of one colour in the true picture (components of the colours, not our
regions), and their results are compared with the truth: the share of pixels within 8 levels in
every channel, lines included. Then an edit (one dab moved) of drawings enlarged to 1024 and 2048
pixels is timed: ours as a caller waits for it, G'MIC's by its own timer, without reading and
writing files.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

NEAR = 8  # levels
DAB = 2.0  # pixels: the radius of a dab, less where the area is narrower
SMALLEST = 24  # pixels of an area that gets one
SIDES = (1024, 2048)
EDITS = 9


def dabs_of(truth: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8: a dab at the innermost point of each area of one colour."""
    layer = np.zeros((*line.shape, 4), np.uint8)
    open_pixels = line > 0.8
    quantized = (truth // 24).astype(np.int64) @ (1, 16, 256)
    for color in np.unique(quantized[open_pixels]):
        parts, count = ndimage.label((quantized == color) & open_pixels)
        for part in range(1, count + 1):
            area = parts == part
            if area.sum() < SMALLEST:
                continue
            depth = ndimage.distance_transform_edt(np.pad(area, 1))[1:-1, 1:-1]
            y, x = np.unravel_index(int(depth.argmax()), depth.shape)
            rows, columns = np.indices(area.shape)
            dab = (rows - y) ** 2 + (columns - x) ** 2 <= min(DAB, depth.max() - 1) ** 2
            layer[dab & area, :3] = np.median(truth[area], axis=0).round()
            layer[dab & area, 3] = 255
    return layer


def peer(layer: np.ndarray, line: np.ndarray, folder: Path) -> tuple[np.ndarray, float]:
    """G'MIC's picture, and its seconds."""
    Image.fromarray(layer).save(folder / "hints.png")
    page = np.repeat((line * 255).round().astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(page).save(folder / "lines.png")
    command = [
        "gmic", str(folder / "hints.png"), str(folder / "lines.png"), "to_rgba", "tic",
        "fx_colorize_lineart", "0,0,0,0,0", "toc", "o[0]", str(folder / "out.png"),
    ]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = re.search(r"Elapsed time: ([0-9.]+) s", said.stderr + said.stdout)
    if seconds is None:
        raise SystemExit(f"G'MIC did not say its time: {said.stderr[-300:]}")
    with Image.open(folder / "out.png") as picture:
        return np.asarray(picture.convert("RGB")), float(seconds[1])


def near(picture: np.ndarray, truth: np.ndarray) -> float:
    return float((np.abs(picture.astype(int) - truth).max(axis=2) <= NEAR).mean())


def quality(model, drawings, folder: Path) -> dict[str, float]:
    from export.data.drawings import gray_array, rgb_array

    shares = []
    for drawing in drawings:
        line = gray_array(drawing.line)
        truth = (rgb_array(drawing.color) * 255).round().astype(np.uint8)
        layer = dabs_of(truth, line)
        theirs, _ = peer(layer, line, folder)
        canvas, leaking = model.prepare(line), model.prepare(line, radii=(0,))
        shares.append(
            [
                near(leaking.render("hints", layer, flat=True), truth),
                near(canvas.render("hints", layer, flat=True), truth),
                near(canvas.render(None, layer, flat=True), truth),
                near(theirs, truth),
            ]
        )
    names = ["ours, hints alone, no gap closed", "ours, hints alone", "ours", "gmic"]
    return dict(zip(names, np.mean(shares, axis=0).tolist(), strict=True))


def speed(model, drawing, side: int, folder: Path) -> dict[str, float]:
    """Milliseconds of an edit."""
    from export.data.drawings import gray_array, rgb_array

    large = Image.fromarray((gray_array(drawing.line) * 255).astype(np.uint8))
    line = np.asarray(large.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    small = (rgb_array(drawing.color) * 255).round().astype(np.uint8)
    truth = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.NEAREST))
    layer = dabs_of(truth, line)
    seconds = min(peer(layer, line, folder)[1] for _ in range(2))
    canvas = model.prepare(line)
    canvas.render(hints=layer)
    times = []
    for i in range(EDITS):
        moved = layer.copy()
        moved[side // 2 : side // 2 + 8, 4 * i : 4 * i + 8] = (20 * i, 90, 160, 255)
        begin = time.perf_counter()
        canvas.render(hints=moved)
        times.append(time.perf_counter() - begin)
    return {"ours": 1e3 * float(np.median(times)), "gmic": 1e3 * seconds}


def main() -> None:
    import colordeploy
    from export.data.drawings import DrawingArchive

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--limit", type=int, default=60, help="drawings, evenly taken")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", choices=["quality", "speed", "all"], default="all")
    parser.add_argument("--out", type=Path, default=Path("bench/results/hints"))
    given = parser.parse_args()
    drawings = DrawingArchive(given.data, "val", color_only=False).drawings
    chosen = [drawings[i * len(drawings) // given.limit] for i in range(given.limit)]
    place = given.out.with_suffix(".json")
    result = json.loads(place.read_text()) if place.is_file() else {}
    with (
        tempfile.TemporaryDirectory() as name,
        colordeploy.load("rasc", device="cpu", threads=given.threads) as model,
    ):
        folder = Path(name)
        if given.part != "speed":
            result["drawings"] = len(chosen)
            result["near"] = quality(model, chosen, folder)
        if given.part != "quality":
            times = {str(side): speed(model, chosen[1], side, folder) for side in SIDES}
            result |= {"threads": given.threads, "edit_ms": times}
    lines = [f"pixels within {NEAR} levels of the truth, {result.get('drawings')} drawings:"]
    near_truth = result.get("near", {})
    lines += [
        f"  {name:33} {share:.4f}, wrong {1 - share:.4f}: "
        f"{(1 - share) / (1 - near_truth['gmic']):.2f} of G'MIC's"
        for name, share in near_truth.items()
    ]
    lines.append(f"an edit, milliseconds, {result.get('threads')} threads:")
    for side, row in result.get("edit_ms", {}).items():
        ratio = row["gmic"] / row["ours"]
        lines.append(
            f"  {side:>5}x{side:5} ours {row['ours']:8.1f}   gmic {row['gmic']:8.1f}   "
            f"{ratio:.0f} times"
        )
    place.write_text(json.dumps(result, indent=1) + "\n")
    given.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
