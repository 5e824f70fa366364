"""DISCO's protocol (Sec. 5.3): automatic colours, and with the anchors' true ones, on held-out
photos.

Two settings of every network: ``auto``, its own most probable colours; and ``auto*``, "ours*" of
Table 3, with the same anchors in their true colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colordeploy.models import load
from colordeploy.pictures.color import compose_lab, lab_of
from colordeploy.pictures.geometry import WorkingSize

from ..data.photos import Folders, Photo
from .inception import Inception, frechet_distance, inception_score
from .lpips import Lpips
from .metrics import colorfulness, one_tint, psnr, ssim
from .photos import score_photos


@dataclass(frozen=True)
class Setting:
    """A pair of rows of the table.

    Attributes
    ----------
    bundle : str
        Name or path.
    anchors : int
    true_clusters : bool
        Place the anchors by the clusters of the true colours (Table 4), not of learned features.
    """

    bundle: str
    anchors: int = 8
    true_clusters: bool = False


class _Worker:
    """Scores one photo after another; the models are loaded once a process."""

    def __init__(
        self,
        settings: Mapping[str, Setting],
        size: WorkingSize,
        lpips: Path | None,
        inception: Path | None,
    ) -> None:
        self._settings = settings
        bundles = {setting.bundle for setting in settings.values()}
        self._models = {name: load(name, device="cpu", threads=1) for name in bundles}
        self._size = size
        self._lpips = Lpips(lpips) if lpips else None
        self._inception = Inception(inception) if inception else None

    def __call__(self, photo: Photo) -> dict[str, dict[str, Any]]:
        truth = (photo.rgb() * 255).round().astype(np.uint8)
        no_chroma = np.zeros((*truth.shape[:2], 2), np.float32)
        gray = compose_lab(lab_of(truth.astype(np.float32) / 255)[..., 0], no_chroma)
        rows = {"truth": self._scores(truth, truth), "gray": self._scores(gray, truth)}
        for name, setting in self._settings.items():
            canvas = self._models[setting.bundle].prepare(
                truth, anchors=setting.anchors, size=self._size
            )
            true = canvas.anchors_from(truth, relocate=setting.true_clusters)
            own = None  # the automatic result, whatever the network makes it from
            if setting.true_clusters:
                own = [replace(anchor, ab=anchor.candidates[0][0]) for anchor in true]
            rows[name] = self._scores(canvas.render(own), truth)
            rows[f"{name}*"] = self._scores(canvas.render(true), truth)
        return rows

    def _scores(self, picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[str, Any]:
        lab = lab_of(picture.astype(np.float32) / 255)
        scores: dict[str, Any] = {
            "colorfulness": colorfulness(picture),
            "one_tint": one_tint(lab[..., 1:]),
            "psnr": psnr(picture, truth),
            "ssim": ssim(picture, truth),
        }
        if self._lpips is not None:
            scores["lpips"] = self._lpips(picture, truth)
        if self._inception is not None:
            scores["inception"] = self._inception(picture)
        return scores


def evaluate(
    data: Folders,
    settings: Mapping[str, Setting],
    *,
    size: WorkingSize = 256,
    limit: int | None = None,
    workers: int = 1,
    lpips: Path | None = None,
    inception: Path | None = None,
    split: str = "val",
) -> dict[str, Any]:
    """Score every setting on the photos of a split.

    Parameters
    ----------
    data : Path
        The photo archive.
    settings : mapping of row name to Setting
    limit : int, optional
        Every n-th photo only, so many in all.

    Returns
    -------
    dict
        ``["rows"][name]`` holds the means over the photos: "truth", "gray", and for each setting
        its name and its name with a star.
    """
    scored = score_photos(
        data, partial(_Worker, settings, size, lpips, inception), split=split, limit=limit,
        workers=workers, minimum_side=64,
    )  # fmt: skip
    rows = {name: _summary([s[name] for s in scored], scored) for name in scored[0]}
    return {
        "protocol": "DISCO Sec. 5.3; * = anchors in their true colours",
        "split": split,
        "photos": len(scored),
        "working_size": size,
        "rows": rows,
    }


def _summary(
    scores: list[dict[str, Any]], scored: list[dict[str, dict[str, Any]]]
) -> dict[str, float]:
    numbers = [key for key in scores[0] if key != "inception"]
    means = {key: float(np.mean([s[key] for s in scores])) for key in numbers}
    if "inception" in scores[0]:
        pairs = [s["inception"] for s in scores]
        features, probabilities = (np.stack(x) for x in zip(*pairs, strict=True))
        true = np.stack([s["truth"]["inception"][0] for s in scored])
        means["fid"] = frechet_distance(features, true)
        means["is"] = inception_score(probabilities)
    return means


_COLUMNS = {
    "fid": ("FID", "{:.2f}"),
    "is": ("IS", "{:.2f}"),
    "colorfulness": ("Colourfulness", "{:.2f}"),
    "one_tint": ("One tint", "{:.2f}"),
    "psnr": ("PSNR", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "lpips": ("LPIPS", "{:.3f}"),
}


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown."""
    rows = result["rows"]
    columns = [key for key in _COLUMNS if key in next(iter(rows.values()))]
    lines = [
        f"{result['photos']} photos of split `{result['split']}`, working size "
        f"{result['working_size']}; * with the anchors' true colours.",
        "",
        "| | " + " | ".join(_COLUMNS[key][0] for key in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, row in rows.items():
        cells = [_COLUMNS[key][1].format(row[key]) for key in columns]
        if name == "truth":
            cells = [
                "" if key in ("psnr", "ssim", "lpips", "fid") else cell
                for key, cell in zip(columns, cells, strict=True)
            ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
