"""Hints on held-out drawings: how near the true colours, by how many of the regions have a hint.

After Hint-AUC (Madono, TVCG 2026; PyPI package hintauc): hints of the largest regions, for its grid
of ratios, and the area under the curve. Two things differ. Regions are the drawing's own: the
package segments the coloured picture (Felzenszwalb), whose segments of flat art take in the black
lines, so that their mean is darker than the colour beside them. And a hint is a dot at the region's
innermost point in its median colour, since that is what a painter gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.ndimage import distance_transform_edt

from colordeploy.methods.line_art import LineArtModel
from colordeploy.models import load
from colordeploy.pictures.strokes import Stroke

from ..data.drawings import Drawing, DrawingArchive, gray_array, rgb_array
from ..data.photos import Folders
from .metrics import psnr

RATIOS = (0.0, 0.01, 0.03, 0.05, 0.10, 0.25, 0.50, 1.00)  # hintauc's
NEAR = 8  # levels


def true_hints(labels: NDArray[np.int32], truth: NDArray[np.uint8]) -> list[Stroke]:
    """A dot for each region, the largest first, in the median of its true colours.

    Parameters
    ----------
    labels : (H, W) int32
        0 on lines.
    truth : (H, W, 3) uint8
    """
    areas = np.bincount(labels.ravel())
    order = np.argsort(-areas[1:], kind="stable") + 1
    hints = []
    for region in order[areas[order] > 0]:
        inside = np.pad(labels == region, 1)
        y, x = np.unravel_index(int(distance_transform_edt(inside).argmax()), inside.shape)
        color = np.median(truth[labels == region], axis=0).round()
        red, green, blue = (int(value) for value in color)
        hints.append(Stroke([(float(y - 1), float(x - 1))], (red, green, blue), 1.0))
    return hints


def _scores(model: LineArtModel, drawing: Drawing) -> dict[str, list[list[float]]]:
    """Of each way to colour: PSNR and the share of near pixels for each ratio."""
    assert drawing.line is not None
    line = gray_array(drawing.line)
    truth = (rgb_array(drawing.color) * 255).round().astype(np.uint8)
    canvas = model.prepare(line)
    hints = true_hints(canvas.regions, truth)
    found: dict[str, list[list[float]]] = {"network": [], "flat filling": []}
    for ratio in RATIOS:
        given = hints[: int(np.ceil(ratio * len(hints)))] or None
        for name, style in (("network", None), ("flat filling", "hints")):
            picture = canvas.render(style, given, flat=True)
            off = np.abs(picture.astype(int) - truth).max(axis=2)
            found[name].append([psnr(picture, truth), float((off <= NEAR).mean())])
    return found


def evaluate(
    data: Folders, bundle: str, *, limit: int | None = None, threads: int = 2
) -> dict[str, Any]:
    """Score a bundle, and flat filling of hinted regions alone, on the validation pairs.

    Returns
    -------
    dict
        ``["rows"][name]`` holds means for each of ``["ratios"]`` and the area under them.
    """
    drawings = DrawingArchive(data, "val", color_only=False).drawings
    drawings = [d for d in drawings if (gray_array(d.line or b"") < 0.2).any()]
    if limit is not None and limit < len(drawings):
        drawings = [drawings[i * len(drawings) // limit] for i in range(limit)]
    with load(bundle, device="cpu", threads=threads) as model:
        assert isinstance(model, LineArtModel)
        scores = [_scores(model, drawing) for drawing in track(drawings, "hints")]
    rows = {}
    for name in scores[0]:
        means = np.mean([score[name] for score in scores], axis=0)
        rows[name] = {
            "psnr": means[:, 0].tolist(),
            "near": means[:, 1].tolist(),
            "psnr_auc": float(np.trapezoid(means[:, 0], RATIOS)),
            "near_auc": float(np.trapezoid(means[:, 1], RATIOS)),
        }
    return {
        "protocol": f"dots in the largest regions; near: within {NEAR} levels in every channel",
        "drawings": len(drawings),
        "ratios": list(RATIOS),
        "rows": rows,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    lines = [
        f"{result['drawings']} validation drawings, hints in the largest regions.",
        "",
        "| | " + " | ".join(f"{ratio:.0%}" for ratio in result["ratios"]) + " | area |",
        "|---" * (len(result["ratios"]) + 2) + "|",
    ]
    for key, title, form in (("psnr", "PSNR", "{:.2f}"), ("near", "near pixels", "{:.3f}")):
        for name, row in result["rows"].items():
            cells = [form.format(value) for value in (*row[key], row[f"{key}_auc"])]
            lines.append(f"| {name}, {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(result: Mapping[str, Any], picture: Path) -> None:
    """Draw both curves."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4))
    panels = (("psnr", "PSNR (dB)"), ("near", f"pixels within {NEAR} levels"))
    for axis, (key, title) in zip(axes, panels, strict=True):
        for name, row in result["rows"].items():
            axis.plot(result["ratios"], row[key], marker="o", markersize=3, label=name)
        axis.set_xlabel("share of regions with a hint, largest first")
        axis.set_title(title, fontsize=9)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
