"""Time of `native.region_map` on line art, one core.

    python bench/regions.py [--data LINEART] [--picture FILE]

With --data (the folder of the line-art archive) on held-out drawings, enlarged to each size with
their lines kept one step thin; without it on synthetic ones. Checked each time: lines are 0 and all
else has a label. For comparison the issue's figures for a public Python and OpenCV version on the
same kind of machine: 170, 770 and 5,800 ms.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tarfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from colordeploy.native import region_map

SIZES = (256, 512, 1024)
THRESHOLD = 0.8


def synthetic(size: int, seed: int) -> np.ndarray:
    """Ellipses and lines with gaps."""
    picture = Image.new("L", (size, size), 255)
    draw = ImageDraw.Draw(picture)
    rng = np.random.default_rng(seed)
    width = max(1, size // 256)
    for _ in range(60):
        x, y = rng.integers(0, size, 2)
        w, h = rng.integers(size // 20, size // 4, 2)
        draw.ellipse((x, y, x + w, y + h), outline=0, width=width)
    for _ in range(30):
        points = [tuple(int(v) for v in rng.integers(0, size, 2)) for _ in range(3)]
        draw.line(points, fill=30, width=width)
    array = np.array(picture)
    for _ in range(40):
        y, x = rng.integers(0, size, 2)
        array[y : y + 4, x : x + 4] = 255
    return array


def archive(data: Path, count: int) -> list[Image.Image]:
    rows = [
        row
        for row in csv.DictReader((data / "index.csv").open())
        if row["split"] == "val" and row["file"].startswith("line/")
    ][:count]
    drawings = []
    for row in rows:
        with tarfile.open(data / row["tar"]) as tar:
            member = tar.extractfile(row["file"])
            assert member is not None
            drawings.append(Image.open(io.BytesIO(member.read())).convert("L"))
    return drawings


def sheet(drawings: list[Image.Image]) -> Image.Image:
    """Each drawing above its regions in colours."""
    columns = []
    for drawing in drawings:
        gray = np.asarray(drawing)
        labels = region_map(gray, threshold=THRESHOLD)
        colors = np.random.default_rng(3).integers(70, 256, (labels.max() + 1, 3)).astype(np.uint8)
        colors[0] = 0
        columns.append(np.concatenate([np.repeat(gray[..., None], 3, 2), colors[labels]]))
    return Image.fromarray(np.concatenate(columns, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bench/results/regions"))
    parser.add_argument("--picture", type=Path, help="Also draw six drawings and their regions.")
    arguments = parser.parse_args()
    sources = {"synthetic": [None] * 5}
    if arguments.data:
        sources["held-out drawings"] = archive(arguments.data, 20)
        if arguments.picture:
            sheet(sources["held-out drawings"][2:20:3]).save(arguments.picture, optimize=True)
    lines, record = [], []
    for name, drawings in sources.items():
        for size in SIZES:
            seconds, counts = [], []
            for i, drawing in enumerate(drawings):
                if drawing is None:
                    array = synthetic(size, i)
                else:
                    resized = drawing.resize((size, size), Image.Resampling.BICUBIC)
                    array = np.asarray(resized)
                for _ in range(5):
                    begin = time.perf_counter()
                    labels = region_map(array, threshold=THRESHOLD)
                    seconds.append(time.perf_counter() - begin)
                if not np.array_equal(labels == 0, array < THRESHOLD * 255):
                    raise SystemExit(f"{name} at {size}: labels do not fit the lines")
                counts.append(int(labels.max()))
            median = 1e3 * float(np.median(seconds))
            lines.append(
                f"{name}, {size}x{size}: {median:.2f} ms (median of {len(drawings)} drawings), "
                f"{np.mean(counts):.0f} regions on average"
            )
            record.append({"source": name, "size": size, "ms": median, "regions": counts})
    text = "\n".join(lines)
    print(text)
    arguments.out.with_suffix(".txt").write_text(text + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
