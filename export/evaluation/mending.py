"""Strokes on a coloured base: what one stroke for each of the most wrong regions brings.

The regions are the truth's colour-coherent segments, in the order of the base's squared chroma
error summed over each; a stroke is a short line well inside one, in the truth's colour there.
Compared are the base alone, the strokes alone, and the strokes on the base.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track
from scipy import ndimage

import colordeploy
from colordeploy.pictures.color import lab_of
from colordeploy.pictures.strokes import Stroke

from ..data.drawings import DrawingArchive, gray_array, rgb_array
from ..data.photos import Folders, PhotoArchive
from ..data.scribbles import segment, stroke_in
from .metrics import psnr

COUNTS = (1, 3, 5)  # strokes
COLUMNS = ("grey", "base", "one stroke", "mended by 1", "mended by 5", "truth")
_RIM = 3  # pixels about a region that still count as the object
_SIDE = 192


@dataclass(frozen=True, eq=False)
class Case:
    """A picture to mend.

    Attributes
    ----------
    gray : (H, W) uint8, or (H, W, 3) uint8 of which the luma counts
        What is coloured.
    base, truth : (H, W, 3) uint8
    regions : list of (H, W) bool
        The most wrong regions, worst first, one for each stroke.
    strokes : list of Stroke
    """

    gray: NDArray[np.uint8]
    base: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    regions: list[NDArray[np.bool_]]
    strokes: list[Stroke]


def case_of(
    name: str, gray: NDArray[np.uint8], base: NDArray[np.uint8], truth: NDArray[np.uint8]
) -> Case:
    """Find the regions in which a base is most wrong, and draw the strokes."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    rgb = truth / np.float32(255)
    segments = segment(rgb, 8, rng)
    error = np.square(lab_of(base / np.float32(255)) - lab_of(rgb))[..., 1:].sum(axis=2)
    total = np.bincount(segments.labels.ravel(), error.ravel(), len(segments.area))
    large = segments.area >= max(4, 0.001 * segments.labels.size)
    worst = [int(i) for i in np.argsort(-np.where(large, total, -1.0))[: COUNTS[-1]] if large[i]]
    return Case(
        gray,
        base,
        truth,
        [segments.labels == label for label in worst],
        [stroke_in(segments, label, rgb, rng) for label in worst],
    )


def photo_cases(data: Folders, base: str, limit: int) -> list[Case]:
    """Held-out photos, coloured by an automatic model, or by an exemplar one from another photo."""
    photos = [p for p in PhotoArchive(data, "val").photos if min(p.picture().size) >= 176]
    chosen = range(0, len(photos), max(1, len(photos) // limit))[:limit]
    cases = []
    with colordeploy.load(base, device="cpu", threads=2) as model:
        for i in track(chosen, "bases"):
            truth = np.asarray(photos[i].picture())
            if model.method == "sscn":  # the neighbour by name: often of the same kind
                colored = model(truth, np.asarray(photos[(i + 1) % len(photos)].picture()))
            else:
                colored = model(truth)
            cases.append(case_of(photos[i].name, truth, colored, truth))
    return cases


def drawing_cases(data: Folders, base: str, limit: int) -> list[Case]:
    """Held-out drawings in the style that a line art model predicts."""
    drawings = [d for d in DrawingArchive(data, "val", color_only=False).drawings if d.line]
    chosen = range(0, len(drawings), max(1, len(drawings) // limit))[:limit]
    cases = []
    with colordeploy.load(base, device="cpu", threads=2) as model:
        for i in track(chosen, "bases"):
            line = drawings[i].line
            assert line is not None
            gray = (gray_array(line) * 255).round().astype(np.uint8)
            truth = (rgb_array(drawings[i].color) * 255).round().astype(np.uint8)
            cases.append(case_of(drawings[i].name, gray, model(gray), truth))
    return cases


def evaluate(cases: Sequence[Case], bundle: str, reach: float) -> dict[str, Any]:
    """Mean PSNR by the number of strokes, and how much changes beyond the stroked regions.

    Returns
    -------
    dict
        ``["strokes"][n]`` holds "base", "alone" and "mended" (dB), "better" (share of pictures that
        the strokes bring closer to the truth than the base is), and "beyond" (mean absolute
        change in levels of eight bits, a stroke, outside of the regions).
    """
    rows: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
    with colordeploy.load(bundle, device="cpu", threads=2) as model:
        for case in track(cases, "mending"):
            with model.prepare(case.gray) as canvas:
                for count in COUNTS:
                    rows[count].append(_scores(canvas.render, case, count, reach))
    strokes = {}
    for count, scores in rows.items():
        means = {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}
        gains = np.array([s["mended"] - s["base"] for s in scores])
        strokes[count] = {**means, "better": float((gains > 0).mean())}
    return {"pictures": len(cases), "bundle": bundle, "reach": reach, "strokes": strokes}


def _scores(
    render: Callable[..., NDArray[np.uint8]], case: Case, count: int, reach: float
) -> dict[str, float]:
    strokes = case.strokes[:count]
    mended = render(strokes, base=case.base, reach=reach)
    objects = np.any(case.regions[:count], axis=0)
    beyond = ~ndimage.binary_dilation(objects, iterations=_RIM)
    change = np.abs(mended.astype(float) - case.base)[beyond]
    return {
        "base": psnr(case.base, case.truth),
        "alone": psnr(render(strokes), case.truth),
        "mended": psnr(mended, case.truth),
        "beyond": float(change.mean()) / len(strokes) if change.size else 0.0,
    }


def table(result: dict[str, Any]) -> str:
    """The result as a table in Markdown."""
    lines = [
        f"{result['pictures']} pictures, strokes by `{result['bundle']}`, reach "
        f"{result['reach']:g}. PSNR in dB; beyond: mean change outside of the stroked regions, in "
        "levels of 255, a stroke.",
        "",
        "| strokes | base alone | strokes alone | strokes on the base | better than the base "
        "| beyond |",
        "|---|---|---|---|---|---|",
    ]
    for count, row in result["strokes"].items():
        lines.append(
            f"| {count} | {row['base']:.2f} | {row['alone']:.2f} | {row['mended']:.2f} | "
            f"{row['better']:.0%} | {row['beyond']:.2f} |"
        )
    return "\n".join(lines)


def sheet(cases: Sequence[Case], bundle: str, reach: float) -> NDArray[np.uint8]:
    """A row a picture, `COLUMNS` side by side."""
    rows = []
    with colordeploy.load(bundle, device="cpu", threads=2) as model:
        for case in cases:
            with model.prepare(case.gray) as canvas:
                shown = [
                    np.asarray(Image.fromarray(case.gray).convert("L").convert("RGB")),
                    case.base,
                    canvas.render(case.strokes[:1], base=case.base, reach=0.0),
                    canvas.render(case.strokes[:1], base=case.base, reach=reach),
                    canvas.render(case.strokes[:5], base=case.base, reach=reach),
                    case.truth,
                ]
            rows.append(np.concatenate([_framed(one) for one in shown], axis=1))
    return np.concatenate(rows)


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = Image.fromarray(picture).resize((_SIDE, _SIDE))
    return np.pad(np.asarray(small), ((0, 4), (0, 4), (0, 0)), constant_values=255)
