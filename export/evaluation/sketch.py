"""RASC's measurements on held-out drawings: coherent regions, lines that stay, varied styles, and
the nearest honest comparison to the true colours (there is no single right answer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from colordeploy.methods.line_art import LineArtModel
from colordeploy.models import load
from colordeploy.native import region_map
from colordeploy.pictures.color import lab_of, luma_of
from colordeploy.pictures.geometry import WorkingSize

from ..data.drawings import Drawing, DrawingArchive, gray_array, rgb_array
from ..data.photos import Folders
from ..data.views import skin_versions
from .metrics import colorfulness, psnr

STYLES = 5  # random styles, besides the predicted one
TINT = 12  # levels: nearer to white is white


@dataclass(frozen=True)
class Scores:
    """Of one drawing.

    Attributes
    ----------
    deviation : float
        Of the network's own colours within the regions, see `region_deviation`.
    lines : float
        Mean luma of the picture where the drawing is black, 0 to 1.
    apart : float
        Mean Lab distance between two random styles' pictures, over all pairs.
    colorfulness : float
    tinted : float
        Share of the random styles in which the ground is tinted, where it is white in truth.
    psnr, best_psnr : float
        Against the true colours, in the predicted style, and in the best of all styles drawn.
    psnr_any_skin, best_psnr_any_skin : float
        The same against the nearest of a drawing's `skin_versions`: OpenMoji's people are there in
        six skin colours, one of which is the archive's.
    """

    deviation: float
    lines: float
    apart: float
    colorfulness: float
    tinted: float
    psnr: float
    best_psnr: float
    psnr_any_skin: float
    best_psnr_any_skin: float


def region_deviation(ab: NDArray[np.floating], labels: NDArray[np.int32]) -> float:
    """Root mean square distance of the pixels' ab from their region's mean, lines left out."""
    marks = labels.ravel()
    inside = marks > 0
    pixels = np.maximum(np.bincount(marks), 1)
    squares = 0.0
    for channel in ab.reshape(-1, 2).T:
        mean = np.bincount(marks, channel) / pixels
        squares += float(np.square(channel - mean[marks])[inside].sum())
    return float(np.sqrt(squares / max(1, inside.sum())))


def ground_of(labels: NDArray[np.int32], truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the ground is: the region with most of the picture's edge, if it is white in truth."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    ground = np.asarray(labels == int(np.bincount(edge[edge > 0], minlength=1).argmax()))
    white = np.median(truth[ground], axis=0).min() >= 255 - TINT
    return ground & (labels > 0) & white


def tinted(pictures: list[NDArray[np.uint8]], ground: NDArray[np.bool_]) -> float:
    """The share of pictures whose ground is further than `TINT` levels from white."""
    if not ground.any():
        return 0.0
    return float(np.mean([np.median(p[ground], axis=0).min() < 255 - TINT for p in pictures]))


def score(model: LineArtModel, drawing: Drawing, size: WorkingSize, styles: int = STYLES) -> Scores:
    """Render a drawing in its predicted style and in so many random ones, and measure."""
    assert drawing.line is not None
    line, truths = gray_array(drawing.line), skin_versions(drawing)
    if isinstance(size, int) and size > min(line.shape):
        line = _enlarged(line, size)
        truths = [
            np.stack([_enlarged(plane, size) for plane in np.moveaxis(truth, 2, 0)], axis=2)
            for truth in truths
        ]
    versions = [(truth * 255).round().astype(np.uint8) for truth in truths]
    true_bytes = versions[0]
    canvas = model.prepare(line, size=size)
    if canvas.working_size != line.shape:
        raise ValueError(f"drawings of {line.shape} are scored at that size or more, not {size}")
    labels = region_map(line)
    own_colors = lab_of(canvas.preview().astype(np.float32) / 255)
    pictures = [canvas.render(style) for style in (None, *range(styles))]
    labs = [lab_of(picture.astype(np.float32) / 255) for picture in pictures]
    pairs = [float(np.linalg.norm(a - b, axis=2).mean()) for a, b in combinations(labs[1:], 2)]
    dark = line < 0.2
    own = [psnr(picture, true_bytes) for picture in pictures]
    nearest = [max(psnr(picture, version) for version in versions) for picture in pictures]
    return Scores(
        deviation=region_deviation(own_colors[..., 1:], labels),
        lines=float(luma_of(pictures[0].astype(np.float32) / 255)[dark].mean()),
        apart=float(np.mean(pairs)),
        colorfulness=colorfulness(pictures[0]),
        tinted=tinted(pictures[1:], ground_of(labels, true_bytes)),
        psnr=own[0],
        best_psnr=max(own),
        psnr_any_skin=nearest[0],
        best_psnr_any_skin=max(nearest),
    )


def _enlarged(plane: NDArray[np.float32], short: int) -> NDArray[np.float32]:
    scale = short / min(plane.shape)
    shape = round(plane.shape[1] * scale), round(plane.shape[0] * scale)
    large = Image.fromarray(plane).resize(shape, Image.Resampling.BICUBIC)
    return np.asarray(large, np.float32).clip(0, 1)


def truth_deviation(drawing: Drawing) -> float:
    """`region_deviation` of the true colours: what a perfect answer has."""
    assert drawing.line is not None
    ab = lab_of(rgb_array(drawing.color))[..., 1:]
    return region_deviation(ab, region_map(gray_array(drawing.line)))


def evaluate(
    data: Folders,
    bundles: Mapping[str, str],
    *,
    size: WorkingSize = 256,
    styles: int = STYLES,
    limit: int | None = None,
    threads: int = 2,
    split: str = "val",
) -> dict[str, Any]:
    """Score bundles on the pairs of a split.

    Parameters
    ----------
    bundles : mapping of row name to bundle (name or path)
    styles : int
        How many random styles, at least 2.
    limit : int, optional
        Every n-th drawing only, so many in all.

    Returns
    -------
    dict
        ``["rows"][name]`` holds the means of `Scores`.
    """
    drawings = [
        drawing
        for drawing in DrawingArchive(data, split, color_only=False).drawings
        if (gray_array(drawing.line or b"") < 0.2).any()
    ]
    if limit is not None and limit < len(drawings):
        drawings = [drawings[i * len(drawings) // limit] for i in range(limit)]
    rows = {"truth": {"deviation": float(np.mean([truth_deviation(d) for d in drawings]))}}
    for name, bundle in bundles.items():
        with load(bundle, device="cpu", threads=threads) as model:
            found = [asdict(score(model, d, size, styles)) for d in track(drawings, name)]
        rows[name] = {key: float(np.mean([row[key] for row in found])) for key in found[0]}
    return {
        "protocol": f"line art pairs; {styles} random styles besides the predicted one",
        "styles": styles,
        "split": split,
        "drawings": len(drawings),
        "working_size": size,
        "rows": rows,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    tries = result["styles"] + 1
    columns = {
        "deviation": ("Deviation in regions (ab)", "{:.2f}"),
        "lines": ("Luma of lines", "{:.3f}"),
        "apart": ("Styles apart (Lab)", "{:.1f}"),
        "colorfulness": ("Colourfulness", "{:.1f}"),
        "tinted": ("Tinted grounds", "{:.1%}"),
        "psnr": ("PSNR", "{:.2f}"),
        "best_psnr": (f"best of {tries}", "{:.2f}"),
        "psnr_any_skin": ("PSNR, any skin", "{:.2f}"),
        "best_psnr_any_skin": (f"best of {tries}, any skin", "{:.2f}"),
    }
    lines = [
        f"{result['drawings']} drawings of split `{result['split']}`, working size "
        f"{result['working_size']}.",
        "",
        "| | " + " | ".join(title for title, _ in columns.values()) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, row in result["rows"].items():
        cells = [form.format(row[key]) if key in row else "" for key, (_, form) in columns.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
