"""Whether like is matched with like: a photo's places, looking at two references at once, one of
its own category and one of another.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import colordeploy
from colordeploy.methods.exemplar import ExemplarModel, Reference
from colordeploy.pictures.color import lab_of

from ..data.photos import Folders, Photo, PhotoArchive
from ..data.references import category_of


def triples(photos: Sequence[Photo], limit: int | None = None) -> list[tuple[Photo, Photo, Photo]]:
    """A photo, another one of its category, and one of another category, seeded by its name."""
    by_category: dict[str, list[Photo]] = {}
    for photo in photos:
        by_category.setdefault(category_of(photo), []).append(photo)
    several = [photo for photo in photos if len(by_category[category_of(photo)]) > 1]
    if limit is not None and limit < len(several):
        several = [several[i * len(several) // limit] for i in range(limit)]
    found = []
    for photo in several:
        rng = np.random.default_rng(zlib.crc32(photo.name.encode()))
        own = [p for p in by_category[category_of(photo)] if p is not photo]
        other = [p for p in photos if category_of(p) != category_of(photo)]
        found.append((photo, own[rng.integers(len(own))], other[rng.integers(len(other))]))
    return found


def matched(
    model: ExemplarModel, picture: NDArray[np.uint8], references: Sequence[Reference]
) -> NDArray[np.int64]:
    """Which of the references each place of a picture looks at, if it sees them all at once."""
    canvas = model.prepare(picture)
    features = np.concatenate([r.features[np.isfinite(r.activation)] for r in references])
    graph = model.open_graphs()["colorize"]
    gray = canvas.photo.network_input(model.multiple)
    found = graph.run(
        {"gray": gray, "style": references[0].style[None], "selected": features[None]}
    )
    rows, columns = gray.shape[2] // model.patch, gray.shape[3] // model.patch
    height, width = (-(-side // model.patch) for side in canvas.working_size)
    best = (found["queries"][0] @ found["keys"][0].T).argmax(axis=1)
    edges = np.cumsum([r.places for r in references])
    whose = np.searchsorted(edges, best, side="right")
    return whose.reshape(rows, columns)[:height, :width].ravel()


def _distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Between mean colours, in CIE ab."""
    means = [lab_of(rgb / np.float32(255))[..., 1:].mean(axis=(0, 1)) for rgb in (first, second)]
    return float(np.hypot(*(means[0] - means[1])))


def evaluate(data: Folders, bundle: str, *, limit: int | None = None) -> dict[str, Any]:
    """Matching and the colours that come of it, on the validation split.

    Returns
    -------
    dict
        "right": share of places whose best match lies in the reference of the photo's own
        category; "moved": how far the mean colour of a result is from that of its reference, and
        "apart": how far the truth's is.
    """
    right, moved, apart = [], [], []
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        for photo, own, other in triples(PhotoArchive(data, "val").photos, limit):
            picture = np.asarray(photo.picture())
            try:
                references = [model.encode_reference(p.picture()) for p in (own, other)]
            except colordeploy.InputError:
                continue  # a grey one
            right.append(float((matched(model, picture, references) == 0).mean()))
            shown = np.asarray(own.picture())
            result = model.prepare(picture).render(references[0])
            moved.append(_distance(result, shown))
            apart.append(_distance(picture, shown))
    return {
        "photos": len(right),
        "right": float(np.mean(right)),
        "moved": float(np.mean(moved)),
        "apart": float(np.mean(apart)),
    }


def table(result: Mapping[str, Any]) -> str:
    """The result in words."""
    return (
        f"{result['photos']} photos of split `val`, each with a reference of its category and one "
        f"of another: {100 * result['right']:.1f} % of the places match the right one. Mean colour "
        f"of the result {result['moved']:.1f} ab from its reference's, of the truth "
        f"{result['apart']:.1f}."
    )
