"""A synthetic photo archive in the format that training reads."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


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
