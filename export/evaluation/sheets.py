"""Sheets of held-out photos to look at, with who made each and under which licence."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import colordeploy

from ..data.photos import Folders, Photo, PhotoArchive
from .matching import triples

COLUMNS = ("grey", "automatic", "another sample", "anchors in their true colours", "truth")
PAIR_COLUMNS = ("grey", "reference", "first stage", "result", "truth")  # of an SSCN bundle
_SIDE, _GAP, _SAMPLE = 192, 4, 3


def chosen(data: Folders, pattern: str, count: int, split: str = "val") -> list[Photo]:
    """Every n-th photo whose "source/category/licence/name" a regular expression finds, so many in
    all.
    """
    found = [
        photo
        for photo in PhotoArchive(data, split).photos
        if re.search(pattern, f"{photo.source}/{photo.category}/{photo.licence}/{photo.name}")
    ]
    if not found:
        raise ValueError(f"no photo of split {split!r} matches {pattern!r}")
    return found if count >= len(found) else [found[i * len(found) // count] for i in range(count)]


def sheet(photos: Sequence[Photo], bundle: str) -> NDArray[np.uint8]:
    """A row a photo, `COLUMNS` side by side."""
    rows = []
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        for photo in photos:
            picture = photo.picture()
            truth = np.asarray(picture)
            canvas: Any = model.prepare(truth)
            true = canvas.anchors_from(truth)
            gray = np.asarray(picture.convert("L").convert("RGB"))
            shown = [
                gray,
                canvas.render(),
                canvas.render(sample=_SAMPLE),
                canvas.render(true),
                truth,
            ]
            rows.append(np.concatenate([_framed(one) for one in shown], axis=1))
    return np.concatenate(rows)


def paired(data: Folders, photos: Sequence[Photo], split: str = "val") -> list[tuple[Photo, Photo]]:
    """Each photo with the reference of its category that `matching.triples` gives it."""
    names = {photo.name for photo in photos}
    found = triples(PhotoArchive(data, split).photos)
    return [(photo, own) for photo, own, _ in found if photo.name in names]


def pair_sheet(pairs: Sequence[tuple[Photo, Photo]], bundle: str) -> NDArray[np.uint8]:
    """A row for a photo and its reference, `PAIR_COLUMNS` side by side."""
    rows = []
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        for photo, other in pairs:
            picture = photo.picture()
            canvas: Any = model.prepare(np.asarray(picture))
            reference = model.encode_reference(other.picture())
            shown = [
                np.asarray(picture.convert("L").convert("RGB")),
                np.asarray(other.picture()),
                canvas.render(reference, coarse=True),
                canvas.render(reference),
                np.asarray(picture),
            ]
            rows.append(np.concatenate([_framed(one) for one in shown], axis=1))
    return np.concatenate(rows)


def credits(photos: Sequence[Photo], data: Folders) -> str:
    """A line a photo: its name, its licence, and who is to be named, as the archive says it."""
    named: dict[str, str] = {}
    for folder in (data,) if isinstance(data, Path) else data:
        listed = folder / "credits.csv"
        if listed.is_file():
            with listed.open(newline="") as file:
                named |= {row["picture"]: row["credit"] for row in csv.DictReader(file)}
    lines = []
    for photo in photos:
        key = re.sub(r"_v\d\d$", "", str(Path(photo.name).with_suffix("")))
        who = named.get(key) or named.get(Path(key).name) or photo.source
        lines.append(f"{photo.name}: {photo.licence}; {who}")
    return "\n".join(lines)


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square at `_SIDE` pixels, with a white edge."""
    image = Image.fromarray(picture)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((_SIDE, _SIDE))
    return np.pad(np.asarray(square), ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
