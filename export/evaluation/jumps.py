"""How far colours jump when a photograph or drawing is changed in a way that nobody sees.

Mean distance in CIE ab of two results on the same content: the photograph's own and that of the
photograph compressed, cropped, resized, mirrored, a grey level brighter, or panned frame by frame.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

import colordeploy
from colordeploy import Stroke
from colordeploy.bundle import find_bundle
from colordeploy.pictures.color import lab_of

from ..data.distortions import jpeg
from ..data.drawings import DrawingArchive
from ..data.photos import Folders, Photo, PhotoArchive
from .photos import score_photos
from .scribble import strokes_of

Chroma = NDArray[np.float32]
_FRAMES, _MINIMUM_SIDE = 10, 128


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


class Change(NamedTuple):
    """What happens to a picture, and to what lies on it.

    Attributes
    ----------
    picture : callable
        The changed picture.
    factor : float
        Of its size.
    offset : int
        Pixels cut off at the left and at the top.
    mirrored : bool
    """

    picture: Callable[[Image.Image], Image.Image]
    factor: float = 1.0
    offset: int = 0
    mirrored: bool = False

    def result(self, chroma: Chroma) -> Chroma:
        """The picture's own result as the changed one should have it, but for its size."""
        cut = chroma[self.offset :, self.offset :]
        return cut[:, ::-1] if self.mirrored else cut

    def strokes(self, strokes: Sequence[Stroke], width: int) -> list[Stroke]:
        """Strokes on a picture of this width, at the same places of the changed one."""

        def place(y: float, x: float) -> tuple[float, float]:
            x = width - 1 - x if self.mirrored else x - self.offset
            half = (self.factor - 1) / 2  # pixel centres are whole numbers
            return (y - self.offset) * self.factor + half, x * self.factor + half

        return [
            Stroke(
                [place(*point) for point in stroke.points],
                stroke.color,
                max(1.0, stroke.width * self.factor),
            )
            for stroke in strokes
        ]


CHANGES: Mapping[str, Change] = {
    "JPEG 95": Change(partial(jpeg, quality=95)),
    "JPEG 60": Change(partial(jpeg, quality=60)),
    "cropped by 1": Change(partial(_cropped, pixels=1), offset=1),
    "cropped by 8": Change(partial(_cropped, pixels=8), offset=8),
    "size x 0.75": Change(partial(_sized, factor=0.75), factor=0.75),
    "size x 2": Change(partial(_sized, factor=2.0), factor=2.0),
    "mirrored": Change(_mirrored, mirrored=True),
    "one level brighter": Change(_brighter),
}
NEIGHBOURS = "frames panned by 1"


def jumps_of(
    picture: Image.Image,
    color: Callable[[Image.Image, Sequence[Stroke]], Chroma],
    strokes: Sequence[Stroke] = (),
) -> dict[str, float]:
    """Mean ab distance for every change of one picture.

    Parameters
    ----------
    picture : PIL image
    color : callable
        The chroma (H, W, 2) in ab units that a model gives a picture with strokes.
    strokes : sequence of Stroke
        They go where their places go.
    """
    own = color(picture, strokes)
    found = {}
    for name, change in CHANGES.items():
        other = color(change.picture(picture), change.strokes(strokes, picture.width))
        aligned = change.result(own)
        shape = min(other.shape[:2], aligned.shape[:2])
        found[name] = _distance(_resized(other, shape), _resized(aligned, shape))
    width, height = picture.size
    window = width - _FRAMES + 1
    frames = []
    for i in range(_FRAMES):
        moved = [replace(s, points=[(y, x - i) for y, x in s.points]) for s in strokes]
        frames.append(color(picture.crop((i, 0, i + window, height)), moved))
    steps = [_distance(a[:, 1:], b[:, :-1]) for a, b in pairwise(frames)]
    return {**found, NEIGHBOURS: float(np.mean(steps))}


def _distance(a: Chroma, b: Chroma) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


class _Worker:
    """Colours one photo in all its changes: an exemplar model by a photo of its category, a
    scribble model by one stroke of each main colour.
    """

    def __init__(self, bundle: str, references: Mapping[str, Sequence[Photo]]) -> None:
        self._model: Any = colordeploy.load(bundle, device="cpu", threads=1)
        self._references = references

    def __call__(self, photo: Photo) -> dict[str, float]:
        model = self._model
        guidance: tuple[Any, ...] = ()
        strokes: Sequence[Stroke] = ()
        if isinstance(model, colordeploy.ScribbleModel):
            strokes = strokes_of(photo, photo.rgb(), "b")
        elif isinstance(model, colordeploy.ExemplarModel):
            same = [p for p in self._references[photo.category] if p.name != photo.name]
            reference = (same or [photo])[0].picture()
            guidance = (model.encode_reference(np.asarray(reference)),)

        def color(picture: Image.Image, strokes: Sequence[Stroke]) -> Chroma:
            canvas = model.prepare(np.asarray(picture))
            return _chroma(canvas.render(*([strokes] if strokes else guidance)))

        return jumps_of(photo.picture(), color, strokes)


def _chroma(rgb: NDArray[np.uint8]) -> Chroma:
    return lab_of(rgb.astype(np.float32) / 255)[..., 1:].astype(np.float32)


def _of_drawings(
    data: Folders, bundle: str, limit: int | None, split: str
) -> list[dict[str, float]]:
    """Of line art, in the predicted style."""
    drawings = DrawingArchive(data, split, color_only=False).drawings
    if limit is not None and limit < len(drawings):
        drawings = [drawings[i * len(drawings) // limit] for i in range(limit)]
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        return [
            jumps_of(
                Image.open(io.BytesIO(drawing.line or b"")).convert("L"),
                lambda picture, _: _chroma(model(np.asarray(picture))),
            )
            for drawing in track(drawings, "evaluate")
        ]


def evaluate(
    data: Folders, bundle: str, *, limit: int | None = None, workers: int = 1, split: str = "val"
) -> dict[str, Any]:
    """The table of one model: mean over the archive's photos or drawings, and the worst of them."""
    if bundle != "levin" and find_bundle(bundle).manifest.method == "rasc":
        return _summary(bundle, split, _of_drawings(data, bundle, limit, split))
    by_category: dict[str, list[Photo]] = {}
    for photo in PhotoArchive(data, split).photos:
        by_category.setdefault(photo.category, []).append(photo)
    scored = score_photos(
        data, partial(_Worker, bundle, by_category), split=split, limit=limit, workers=workers,
        minimum_side=_MINIMUM_SIDE,
    )  # fmt: skip
    return _summary(bundle, split, scored)


def _summary(bundle: str, split: str, scored: list[dict[str, float]]) -> dict[str, Any]:
    values = {name: [s[name] for s in scored] for name in scored[0]}
    return {
        "protocol": "mean CIE ab distance of results on the same content",
        "bundle": bundle,
        "split": split,
        "pictures": len(scored),
        "rows": {
            name: {"mean": float(np.mean(v)), "worst": float(np.max(v))}
            for name, v in values.items()
        },
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    lines = [
        f"`{result['bundle']}`, {result['pictures']} pictures of split `{result['split']}`; mean "
        "distance in CIE ab.",
        "",
        "| change | mean | worst picture |",
        "|---|---|---|",
    ]
    for name, row in result["rows"].items():
        lines.append(f"| {name} | {row['mean']:.2f} | {row['worst']:.2f} |")
    return "\n".join(lines)
