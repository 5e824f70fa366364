"""How much to hold uncertain colours back: PSNR against colourfulness, on training photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from colordeploy.pictures.color import compose_lab, lab_of
from colordeploy.pictures.geometry import pad_to_multiple

from ..data.photos import Folders, PhotoArchive
from ..models.disco.decoder import Restraint
from ..models.encoders.trunk import MULTIPLE, STRIDE
from ..training.hinted import load_anchored
from .metrics import colorfulness, psnr

CERTAINTIES, LIFTS = (0.1, 0.2, 0.35), (0.0, 0.4, 0.6, 0.8)


@torch.no_grad()
def measure(
    data: Folders, checkpoint: Path, count: int, *, split: str = "train"
) -> list[dict[str, Any]]:
    """Means over photos for every pair of `CERTAINTIES` and `LIFTS`, no anchors given."""
    net, _ = load_anchored(checkpoint)
    photos = PhotoArchive(data, split).photos
    rows: dict[Restraint, list[tuple[float, float]]] = {}
    for photo in photos[:: max(1, len(photos) // count)][:count]:
        truth = np.asarray(photo.picture())
        height, width = truth.shape[:2]
        light = lab_of(truth / np.float32(255))[..., 0]
        padded = pad_to_multiple(light, MULTIPLE) / 100
        scene = net.scene(torch.from_numpy(np.ascontiguousarray(padded, np.float32))[None, None])
        none = torch.zeros(1, 3, *scene.tokens.shape[2:])
        logits = net.decoder.logits(*net.decoder.details(scene, none[:, :1], none[:, 1:]))
        for restraint in _pairs():
            net.decoder.restraint = restraint
            ab = functional.interpolate(
                net.decoder.restrained(logits), scale_factor=STRIDE, mode="bicubic"
            )
            own = ab[0, :, :height, :width].permute(1, 2, 0).numpy()
            picture = compose_lab(light, own)
            rows.setdefault(restraint, []).append((psnr(picture, truth), colorfulness(picture)))
    return [
        {
            "certainty": restraint.certainty, "lift": restraint.lift,
            "psnr": float(np.mean([p for p, _ in scores])),
            "colorfulness": float(np.mean([c for _, c in scores])),
        }
        for restraint, scores in rows.items()
    ]  # fmt: skip


def _pairs() -> Sequence[Restraint]:
    return [Restraint(certainty, lift) for certainty in CERTAINTIES for lift in LIFTS]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The result as a table in Markdown."""
    lines = ["| c | h | PSNR | Colourfulness |", "|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['certainty']:g} | {row['lift']:g} | {row['psnr']:.2f} | "
            f"{row['colorfulness']:.1f} |"
        )
    return "\n".join(lines)
