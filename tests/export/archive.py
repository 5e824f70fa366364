"""Synthetic archives of photos and of drawings in the formats that training reads."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def write_archive(folder: Path, photos: int = 12, held_out: int = 3) -> Path:
    """Write so many photos of 300x260 pixels, the last ones as the validation split."""
    rng = np.random.default_rng(6)
    rows = []
    with tarfile.open(folder / "photos-000.tar", "w") as tar:
        for i in range(photos):
            base = rng.random((5, 5, 3)) * 255
            picture = Image.fromarray(base.astype(np.uint8)).resize((300, 260))
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            info = tarfile.TarInfo(f"made/{i}.png")
            info.size = len(buffer.getvalue())
            tar.addfile(info, io.BytesIO(buffer.getvalue()))
            rows.append(
                {
                    "tar": "photos-000.tar",
                    "file": info.name,
                    "source": "made",
                    "category": "none",
                    "licence": "CC0",
                    "split": "train" if i < photos - held_out else "val",
                }
            )
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_drawings(folder: Path) -> Path:
    """Ten synthetic drawings, eight with lines, and the archive's index files."""
    rng = np.random.default_rng(2)
    rows = {"index.csv": [], "index-coloronly.csv": []}
    with tarfile.open(folder / "all.tar", "w") as tar:

        def add(name, picture, index, split):
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            info = tarfile.TarInfo(name)
            info.size = len(buffer.getvalue())
            tar.addfile(info, io.BytesIO(buffer.getvalue()))
            row = {"tar": "all.tar", "file": name, "category": "made/up", "split": split,
                   "source": "made", "licence": "CC BY-SA 4.0"}  # fmt: skip
            rows[index].append(row)

        for i in range(10):
            box = tuple(int(v) for v in (*rng.integers(4, 20, 2), *rng.integers(30, 60, 2)))
            color = Image.new("RGB", (64, 64), "white")
            fill = tuple(int(v) for v in rng.integers(0, 256, 3))
            outline = (0, 0, 0) if i < 8 else fill
            ImageDraw.Draw(color).ellipse(box, fill=fill, outline=outline, width=2)
            split = "val" if i < 3 else "train"
            add(f"color/{i}.png", color, "index.csv" if i < 8 else "index-coloronly.csv", split)
            if i < 8:
                line = Image.new("L", (64, 64), 255)
                ImageDraw.Draw(line).ellipse(box, outline=0, width=2)
                add(f"line/{i}.png", line, "index.csv", split)
    for name, content in rows.items():
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(content[0]))
            writer.writeheader()
            writer.writerows(content)
    return folder
