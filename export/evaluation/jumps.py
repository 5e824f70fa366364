"""How far colours jump when a photograph is changed in a way that nobody sees.

Mean distance in CIE ab of two results on the same content: the photograph's own and that of the
photograph compressed, cropped, resized, mirrored, a grey level brighter, or panned frame by frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import colordeploy
from colordeploy.pictures.color import lab_of

from ..data.distortions import jpeg
from ..data.photos import Folders, Photo, PhotoArchive
from .photos import score_photos

Chroma = NDArray[np.float32]
_FRAMES, _LEAST_SIDE = 10, 128


def _sized(picture: Image.Image, factor: float) -> Image.Image:
    size = (round(picture.width * factor), round(picture.height * factor))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _cropped(picture: Image.Image, pixels: int) -> Image.Image:
    return picture.crop((pixels, pixels, *picture.size))


def _brighter(picture: Image.Image) -> Image.Image:
    return picture.point(lambda level: min(255, level + 1))


def _mirrored(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _resized(chroma: Chroma, shape: tuple[int, ...]) -> Chroma:
    if chroma.shape[:2] == shape:
        return chroma
    planes = [Image.fromarray(np.ascontiguousarray(chroma[..., i])) for i in range(2)]
    size = (shape[1], shape[0])
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BOX)) for p in planes], axis=-1)


def _same(chroma: Chroma) -> Chroma:
    return chroma


def _flipped(chroma: Chroma) -> Chroma:
    return chroma[:, ::-1]


def _without(chroma: Chroma, pixels: int) -> Chroma:
    return chroma[pixels:, pixels:]


# What happens to the picture, and what happens to its own result so that both show the same.
CHANGES: Mapping[str, tuple[Callable[[Image.Image], Image.Image], Callable[[Chroma], Chroma]]] = {
    "JPEG 95": (partial(jpeg, quality=95), _same),
    "JPEG 60": (partial(jpeg, quality=60), _same),
    "cropped by 1": (partial(_cropped, pixels=1), partial(_without, pixels=1)),
    "cropped by 8": (partial(_cropped, pixels=8), partial(_without, pixels=8)),
    "size x 0.75": (partial(_sized, factor=0.75), _same),
    "size x 2": (partial(_sized, factor=2.0), _same),
    "mirrored": (_mirrored, _flipped),
    "one level brighter": (_brighter, _same),
}
NEIGHBOURS = "frames panned by 1"


def jumps_of(picture: Image.Image, color: Callable[[Image.Image], Chroma]) -> dict[str, float]:
    """Mean ab distance for every change of one picture.

    Parameters
    ----------
    picture : PIL image
    color : callable
        The chroma (H, W, 2) in ab units that a model gives a picture.
    """
    own = color(picture)
    found = {}
    for name, (change, align) in CHANGES.items():
        other, aligned = color(change(picture)), align(own)
        shape = min(other.shape[:2], aligned.shape[:2])
        found[name] = _distance(_resized(other, shape), _resized(aligned, shape))
    width, height = picture.size
    window = width - _FRAMES + 1
    frames = [color(picture.crop((i, 0, i + window, height))) for i in range(_FRAMES)]
    steps = [_distance(a[:, 1:], b[:, :-1]) for a, b in pairwise(frames)]
    return {**found, NEIGHBOURS: float(np.mean(steps))}


def _distance(a: Chroma, b: Chroma) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


class _Worker:
    """Colours one photo in all its changes; an exemplar model by a photo of its category."""

    def __init__(self, bundle: str, references: Mapping[str, Sequence[Photo]]) -> None:
        self._model: Any = colordeploy.load(bundle, device="cpu", threads=1)
        self._references = references

    def __call__(self, photo: Photo) -> dict[str, float]:
        model = self._model
        guidance: tuple[Any, ...] = ()
        if hasattr(model, "encode_reference"):
            same = [p for p in self._references[photo.category] if p.name != photo.name]
            reference = (same or [photo])[0].picture()
            guidance = (model.encode_reference(np.asarray(reference)),)

        def color(picture: Image.Image) -> Chroma:
            canvas = model.prepare(np.asarray(picture))
            rgb = canvas.render(*guidance)
            return lab_of(rgb.astype(np.float32) / 255)[..., 1:].astype(np.float32)

        return jumps_of(photo.picture(), color)


def evaluate(
    data: Folders, bundle: str, *, limit: int | None = None, workers: int = 1, split: str = "val"
) -> dict[str, Any]:
    """The table of one photo model: mean over photos, and the worst photo."""
    by_category: dict[str, list[Photo]] = {}
    for photo in PhotoArchive(data, split).photos:
        by_category.setdefault(photo.category, []).append(photo)
    scored = score_photos(
        data, partial(_Worker, bundle, by_category), split=split, limit=limit, workers=workers,
        least_side=_LEAST_SIDE,
    )  # fmt: skip
    values = {name: [s[name] for s in scored] for name in scored[0]}
    return {
        "protocol": "mean CIE ab distance of results on the same content",
        "bundle": bundle,
        "split": split,
        "photos": len(scored),
        "rows": {
            name: {"mean": float(np.mean(v)), "worst": float(np.max(v))}
            for name, v in values.items()
        },
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    lines = [
        f"`{result['bundle']}`, {result['photos']} photos of split `{result['split']}`; mean "
        "distance in CIE ab.",
        "",
        "| change | mean | worst photo |",
        "|---|---|---|",
    ]
    for name, row in result["rows"].items():
        lines.append(f"| {name} | {row['mean']:.2f} | {row['worst']:.2f} |")
    return "\n".join(lines)
