"""The photo archive: tar files beside an ``index.csv`` with the columns tar, file and split."""

from __future__ import annotations

import csv
import io
import tarfile
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Photo:
    """One picture of the archive, still encoded."""

    name: str
    source: str
    category: str
    licence: str
    content: bytes

    def picture(self) -> Image.Image:
        """Decode to an RGB picture."""
        return Image.open(io.BytesIO(self.content)).convert("RGB")

    def rgb(self) -> NDArray[np.float32]:
        """(H, W, 3) float32 in [0, 1]."""
        return np.asarray(self.picture(), dtype=np.float32) / 255.0


class PhotoArchive:
    """All photos of one split, held in memory in encoded form, ordered by name.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv`` and the tar files it names.
    split : str
        "train" or "val".
    """

    def __init__(self, folder: Path, split: str) -> None:
        index = folder / "index.csv"
        if not index.is_file():
            raise FileNotFoundError(f"{index} is missing: --data must name the photo archive")
        with index.open(newline="") as file:
            self._rows = [row for row in csv.DictReader(file) if row["split"] == split]
        if not self._rows:
            raise ValueError(f"{index} has no picture with split {split!r}")
        self._folder = folder

    def summary(self) -> str:
        """How many pictures of which source under which licence, for the manifest."""
        counts = Counter((row["source"], row["licence"]) for row in self._rows)
        parts = [f"{source} {n} ({licence})" for (source, licence), n in sorted(counts.items())]
        return f"{len(self._rows)} photos: {', '.join(parts)}"

    @cached_property
    def photos(self) -> list[Photo]:
        by_tar: dict[str, dict[str, dict[str, str]]] = {}
        for row in self._rows:
            by_tar.setdefault(row["tar"], {})[row["file"]] = row
        photos = []
        for name, wanted in by_tar.items():
            with tarfile.open(self._folder / name) as tar:
                for member in tar:
                    row = wanted.get(member.name)
                    if row is None:
                        continue
                    file = tar.extractfile(member)
                    assert file is not None
                    photos.append(
                        Photo(
                            member.name, row["source"], row["category"], row["licence"], file.read()
                        )
                    )
        return sorted(photos, key=lambda photo: photo.name)
