"""SSCN's protocol (Sec. 4.2, Table 1): a photo's gray version, coloured by an augmented copy of it,
so that the photo itself is the right answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from colordeploy.models import load
from colordeploy.pictures.color import compose_lab, lab_of
from colordeploy.pictures.geometry import WorkingSize

from ..data.photos import Folders, Photo
from ..data.references import Warp, warped
from .metrics import psnr, ssim
from .photos import score_photos

AUGMENTATIONS = ("TPS", "RR", "RC")
BEND = 0.15  # of TPS: between the training's mild and violent ones
MINIMUM_CROP = 0.5  # of RC, in picture sides
_LEVELS = 32  # of lightness
_MINIMUM_CHROMA = 5.0  # ab units: photos with less everywhere are left out

Baseline = Literal["statistics", "by lightness"]
BASELINES: tuple[Baseline, ...] = ("statistics", "by lightness")


@dataclass(frozen=True)
class Setting:
    """A row of the table.

    Attributes
    ----------
    bundle : str
        Name or path.
    k, r : int, optional
        See `ExemplarCanvas.render`; `dense` takes every place.
    dense : bool
    coarse : bool
        The first stage alone.
    """

    bundle: str
    k: int | None = None
    r: int | None = None
    dense: bool = False
    coarse: bool = False


def augmentation(kind: str, rng: np.random.Generator) -> Warp:
    """One of Table 1's: thin plate splines, a rotation, or a crop."""
    if kind == "TPS":
        return Warp(bend=BEND)
    if kind == "RR":
        return Warp(angle=float(rng.uniform(-180, 180)))
    side = float(rng.uniform(MINIMUM_CROP, 1.0))
    top, left = (float(v) for v in rng.uniform(0, 1 - side, 2))
    return Warp((top, left, side, side))


def transfer(
    lightness: NDArray[np.float32], reference: NDArray[np.float32], kind: Baseline
) -> NDArray[np.float32]:
    """Chroma ab (H, W, 2) by a reference's Lab (h, w, 3) statistics alone.

    "statistics" moves each channel's mean and deviation to the reference's (Reinhard et al. 2001);
    a gray picture's deviations are zero, so what is left is the reference's mean colour. "by
    lightness" gives each lightness the mean colour that the reference has there (Welsh et al. 2002,
    without their neighbourhoods).
    """
    if kind == "statistics":
        mean = reference[..., 1:].reshape(-1, 2).mean(axis=0)
        return np.broadcast_to(mean, (*lightness.shape, 2)).astype(np.float32)
    centres = (np.arange(_LEVELS) + 0.5) * 100 / _LEVELS
    level = np.minimum((reference[..., 0] / 100 * _LEVELS).astype(int), _LEVELS - 1).ravel()
    count = np.bincount(level, minlength=_LEVELS)
    seen = count > 0
    planes = [
        np.interp(
            lightness,
            centres[seen],
            np.bincount(level, channel, minlength=_LEVELS)[seen] / count[seen],
        )
        for channel in reference[..., 1:].reshape(-1, 2).T
    ]
    return np.stack(planes, axis=-1).astype(np.float32)


class _Worker:
    """Scores one photo after another; the models are loaded once a process."""

    def __init__(
        self, settings: Mapping[str, Setting], kinds: tuple[str, ...], size: WorkingSize
    ) -> None:
        self._settings, self._kinds, self._size = settings, kinds, size
        bundles = {setting.bundle for setting in settings.values()}
        self._models = {name: load(name, device="cpu", threads=1) for name in bundles}

    def __call__(self, photo: Photo) -> dict[str, dict[str, float]]:
        rgb = photo.rgb()
        truth = (rgb * 255).round().astype(np.uint8)
        lightness = lab_of(rgb)[..., 0]
        canvases = {
            name: model.prepare(truth, size=self._size) for name, model in self._models.items()
        }
        rows: dict[str, dict[str, float]] = {}
        for kind in self._kinds:
            rng = np.random.default_rng(zlib.crc32(f"{photo.name} {kind}".encode()))
            seen = np.clip(warped(rgb, augmentation(kind, rng), rng), 0, 1)
            lab = lab_of(seen)
            if np.hypot(lab[..., 1], lab[..., 2]).max() < _MINIMUM_CHROMA:
                return {}  # a gray photo: there is nothing to score
            results = {
                name: compose_lab(lightness, transfer(lightness, lab, name)) for name in BASELINES
            }
            shown = (seen * 255).round().astype(np.uint8)
            references = {
                name: model.encode_reference(shown, size=self._size)
                for name, model in self._models.items()
            }
            for name, setting in self._settings.items():
                reference = references[setting.bundle]
                k, r = (reference.places, 0) if setting.dense else (setting.k, setting.r)
                results[name] = canvases[setting.bundle].render(
                    reference, k=k, r=r, coarse=setting.coarse
                )
            for name, picture in results.items():
                row = rows.setdefault(name, {})
                row[f"psnr {kind}"] = psnr(picture, truth)
                row[f"ssim {kind}"] = ssim(picture, truth)
        return rows


def grid(bundle: str, dense: str | None = None) -> dict[str, Setting]:
    """Settings of Fig. 9: k and r, and everything.

    Parameters
    ----------
    dense : str, optional
        A bundle trained with dense attention; by default the same one.
    """
    rows = {
        f"k = {k}, r = {r}": Setting(bundle, k, r)
        for k in (128, 256, 512)
        for r in (0, 128, 256, 512)
    }
    return {**rows, "dense": Setting(dense or bundle, dense=True)}


def evaluate(
    data: Folders,
    settings: Mapping[str, Setting],
    *,
    kinds: tuple[str, ...] = AUGMENTATIONS,
    size: WorkingSize = 256,
    limit: int | None = None,
    workers: int = 1,
    split: str = "val",
) -> dict[str, Any]:
    """Score the settings, and the baselines, on the photos of a split.

    Returns
    -------
    dict
        ``["rows"][name]`` holds the means over the photos, for each kind and over all of them.
    """
    scored = score_photos(
        data, partial(_Worker, settings, kinds, size), split=split, limit=limit, workers=workers,
        minimum_side=64,
    )  # fmt: skip
    scored = [scores for scores in scored if scores]
    rows = {}
    for name in scored[0]:
        row = {key: float(np.mean([s[name][key] for s in scored])) for key in scored[0][name]}
        for figure in ("psnr", "ssim"):
            row[figure] = float(np.mean([row[f"{figure} {kind}"] for kind in kinds]))
        rows[name] = row
    return {
        "protocol": "SSCN Sec. 4.2: a photo coloured by an augmented copy of itself",
        "split": split,
        "photos": len(scored),
        "working_size": size,
        "kinds": list(kinds),
        "rows": rows,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a table in Markdown, PSNR / SSIM in each cell."""
    kinds = result["kinds"]
    means = [(f"psnr {kind}", f"ssim {kind}") for kind in kinds]
    titles = list(kinds)
    if len(kinds) > 1:
        means.append(("psnr", "ssim"))
        titles.append("Mean")
    lines = [
        f"{result['photos']} photos of split `{result['split']}`, working size "
        f"{result['working_size']}; PSNR / SSIM.",
        "",
        "| | " + " | ".join(titles) + " |",
        "|---" * (len(titles) + 1) + "|",
    ]
    for name, row in result["rows"].items():
        cells = [f"{row[a]:.2f} / {row[b]:.3f}" for a, b in means]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
