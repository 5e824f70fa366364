"""The photo archive: folders of tar files beside an ``index.csv`` with the columns tar, file and
split.
"""

from __future__ import annotations

import csv
import io
import re
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Folders = Path | Sequence[Path]


def licences(pictures: Sequence[tuple[str, str]], kind: str) -> str:
    """How many pictures of which (source, licence), in words."""
    parts = [
        f"{source} {n} ({licence})" for (source, licence), n in sorted(Counter(pictures).items())
    ]
    return f"{len(pictures)} {kind}: {', '.join(parts)}"


# SPDX names of licences, from the freest to the one that binds what is made of a picture most.
_LICENCES = (
    ("public domain", "CC0-1.0"),
    ("cc0", "CC0-1.0"),
    ("cc by 4.0", "CC-BY-4.0"),
    ("cc by-sa 4.0", "CC-BY-SA-4.0"),
)


def weights_licence(summary: str) -> str:
    """The licence of weights that were learned from pictures: the most binding of theirs.

    Parameters
    ----------
    summary : str
        Of `licences`: sources, numbers, and each licence in brackets.

    Raises
    ------
    ValueError
        When a licence is not known here.
    """
    ranks = [name for name, _ in _LICENCES]
    found = {licence.lower() for licence in re.findall(r"\(([^()]*)\)", summary)}
    unknown = sorted(found - set(ranks))
    if unknown or not found:
        raise ValueError(
            f"which licence the weights have cannot be told from {', '.join(unknown) or 'the data'}"
            f" ({summary[:80]!r}); say it with --licence"
        )
    return _LICENCES[max(ranks.index(licence) for licence in found)][1]


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
    folders : Path or sequence of Path
        Each holds ``index.csv`` and the tar files it names.
    split : str
        "train" or "val".

    Raises
    ------
    FileNotFoundError
        When a folder has no index.
    ValueError
        When a folder has no picture of the split.
    """

    def __init__(self, folders: Folders, split: str) -> None:
        self._rows: list[tuple[Path, dict[str, str]]] = []
        for folder in (folders,) if isinstance(folders, Path) else folders:
            index = folder / "index.csv"
            if not index.is_file():
                raise FileNotFoundError(f"{index} is missing: --data must name a photo archive")
            with index.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if row["split"] == split]
            if not rows:
                raise ValueError(f"{index} has no picture with split {split!r}")
            self._rows += [(folder, row) for row in rows]

    def summary(self) -> str:
        """How many pictures of which source under which licence, for the manifest."""
        return licences([(row["source"], row["licence"]) for _, row in self._rows], "photos")

    @cached_property
    def photos(self) -> list[Photo]:
        by_tar: dict[Path, dict[str, dict[str, str]]] = {}
        for folder, row in self._rows:
            by_tar.setdefault(folder / row["tar"], {})[row["file"]] = row
        photos = []
        for path, wanted in by_tar.items():
            with tarfile.open(path) as tar:
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
