"""LGA-Net's protocol (Sec. 4.2): the same synthetic strokes for every method, on held-out photos.

Two kinds of strokes, drawn once for a photo:

a. ten short strokes in randomly chosen colour-coherent segments (the paper's D_auto);
b. one short stroke for each of the five main colours, in the largest region of that colour only,
   as sparse as a person's (the paper's D_manual is hand-drawn): all else is reached from afar.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.methods.scribble import ScribbleModel
from colordeploy.models import load
from colordeploy.pictures.geometry import WorkingSize
from colordeploy.pictures.strokes import Stroke

from ..data.photos import Folders, Photo
from ..data.scribbles import main_color_strokes, random_segment_strokes
from .lpips import Lpips
from .metrics import ms_ssim, mse, psnr
from .photos import score_photos

KINDS = ("a", "b")


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes
    ----------
    bundle : str or None
        None is levin; otherwise a bundle's name or path.
    global_points, local_edges : bool
        False switches them off in the bundle's own system, without training again.
    """

    bundle: str | None
    global_points: bool = True
    local_edges: bool = True

    def load(self) -> ScribbleModel:
        if self.bundle is None:
            return load("levin", device="cpu", threads=1)
        model: ScribbleModel = load(self.bundle, device="cpu", threads=1)
        if not self.global_points:
            model.parameters = replace(model.parameters, global_step=0)
        if not self.local_edges:
            model.parameters = replace(model.parameters, local_edges=False)
        return model


def strokes_of(photo: Photo, rgb: NDArray[np.float32], kind: str) -> list[Stroke]:
    """The strokes of a photo; they depend on its name alone."""
    rng = np.random.default_rng((zlib.crc32(photo.name.encode()), KINDS.index(kind)))
    if kind == "a":
        return random_segment_strokes(rgb, 10, rng)
    return main_color_strokes(rgb, 5, rng)


class _Worker:
    """Scores one photo after another; the models are loaded once a process."""

    def __init__(
        self, methods: Mapping[str, Method], size: WorkingSize, lpips: Path | None
    ) -> None:
        self._models = {name: method.load() for name, method in methods.items()}
        self._size = size
        self._lpips = Lpips(lpips) if lpips else None

    def __call__(self, photo: Photo) -> dict[str, dict[str, dict[str, float]]]:
        rgb = photo.rgb()
        truth = (rgb * 255).round().astype(np.uint8)
        strokes = {kind: strokes_of(photo, rgb, kind) for kind in KINDS}
        result: dict[str, dict[str, dict[str, float]]] = {kind: {} for kind in KINDS}
        for name, model in self._models.items():
            canvas = model.prepare(truth, size=self._size)
            for kind in KINDS:
                result[kind][name] = self._scores(canvas.render(strokes[kind]), truth)
        return result

    def _scores(self, picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[str, float]:
        scores = {
            "mse": mse(picture, truth),
            "psnr": psnr(picture, truth),
            "ms_ssim": ms_ssim(picture, truth),
        }
        if self._lpips is not None:
            scores["lpips"] = self._lpips(picture, truth)
        return scores


def evaluate(
    data: Folders,
    methods: Mapping[str, Method],
    *,
    size: WorkingSize = 256,
    limit: int | None = None,
    workers: int = 1,
    lpips: Path | None = None,
    split: str = "val",
) -> dict[str, Any]:
    """Score every method on the photos of a split.

    Parameters
    ----------
    data : Path
        The photo archive.
    methods : mapping of row name to Method
        "levin" must be among them: gains are reported against it.
    limit : int, optional
        Every n-th photo only, so many in all.

    Returns
    -------
    dict
        ``["kinds"][kind][method]`` holds the means, and the mean gain in PSNR over levin with its
        95 % bootstrap interval.
    """
    scored = score_photos(
        data, partial(_Worker, methods, size, lpips), split=split, limit=limit, workers=workers,
        minimum_side=176,  # MS-SSIM needs it
    )  # fmt: skip
    kinds = {}
    for kind in KINDS:
        levin = np.array([scores[kind]["levin"]["psnr"] for scores in scored])
        kinds[kind] = {
            name: _summary([scores[kind][name] for scores in scored], levin) for name in methods
        }
    return {
        "protocol": "LGA-Net Sec. 4.2 on synthetic strokes: a = 10 strokes in random segments, "
        "b = 1 stroke for each of 5 main colours",
        "split": split,
        "photos": len(scored),
        "working_size": size,
        "kinds": kinds,
    }


def _summary(scores: list[dict[str, float]], levin: NDArray[np.float64]) -> dict[str, Any]:
    means = {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}
    gain = np.array([s["psnr"] for s in scores]) - levin
    rng = np.random.default_rng(0)
    resampled = gain[rng.integers(0, len(gain), (2000, len(gain)))].mean(axis=1)
    interval = [float(v) for v in np.percentile(resampled, [2.5, 97.5])]
    return {**means, "gain_db": float(gain.mean()), "gain_db_95": interval}


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    lines = [
        f"{result['photos']} photos of split `{result['split']}`, working size "
        f"{result['working_size']}. MSE, MS-SSIM and LPIPS times 100; gain in PSNR over levin with "
        "its 95 % interval."
    ]
    for kind, rows in result["kinds"].items():
        has_lpips = "lpips" in next(iter(rows.values()))
        columns = ["MSE", "PSNR", "MS-SSIM", *(["LPIPS"] if has_lpips else []), "gain"]
        lines += [
            "",
            f"| ({kind}) | " + " | ".join(columns) + " |",
            "|---" * 5 + "|---" * has_lpips + "|",
        ]
        for name, row in rows.items():
            cells = [f"{100 * row['mse']:.3f}", f"{row['psnr']:.2f}", f"{100 * row['ms_ssim']:.2f}"]
            cells += [f"{100 * row['lpips']:.2f}"] if has_lpips else []
            low, high = row["gain_db_95"]
            cells.append(f"{row['gain_db']:+.2f} ({low:+.2f} to {high:+.2f})")
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
