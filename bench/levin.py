"""The classical baseline: Levin et al. 2004 as published against symmetric weights.

As published (and in the authors' Matlab code), the weights of a pixel use the luma variance of its
own window, so the system is unsymmetric and has to be factorized anew, without symmetry, for every
set of strokes. `colordeploy`'s propagation needs symmetric weights. This compares the candidates on
training photos, at 256 pixels, on both kinds of strokes of the evaluation.

    python bench/levin.py --data FOLDER [--photos N]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from colordeploy.native import Affinities, Propagator
from colordeploy.pictures.color import compose, luma_of
from colordeploy.pictures.strokes import constraints, rasterize
from export.data.photos import PhotoArchive
from export.evaluation.metrics import psnr
from export.evaluation.scribble import KINDS, strokes_of

NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
HALF = ((0, 1), (1, -1), (1, 0), (1, 1))


def windows(luma):
    """Neighbours (H, W, 8), NaN outside, and the published window scale (H, W)."""
    height, width = luma.shape
    padded = np.pad(luma, 1, constant_values=np.nan)
    around = np.stack(
        [padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in NEIGHBOURS], -1
    )
    everyone = np.concatenate([around, luma[..., None]], axis=-1)
    variance = np.nanvar(everyone, axis=-1)
    nearest = np.nanmin((around - luma[..., None]) ** 2, axis=-1)
    scale = np.maximum.reduce([0.6 * variance, -nearest / np.log(0.01), np.full_like(luma, 2e-6)])
    return around, variance, scale


def published(luma, mask, chroma):
    """``U(r) = sum_s w_rs U(s)`` off the strokes, the strokes as hard constraints."""
    height, width = luma.shape
    around, _, scale = windows(luma)
    weights = np.nan_to_num(np.exp(-((around - luma[..., None]) ** 2) / scale[..., None]))
    weights /= weights.sum(axis=-1, keepdims=True)
    index = np.arange(height * width).reshape(height, width)
    padded = np.pad(index, 1)
    others = np.stack(
        [padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in NEIGHBOURS], -1
    )
    free = ~mask
    rows = np.repeat(index[free], 8)
    entries = (weights[free].ravel(), (rows, others[free].ravel()))
    matrix = scipy.sparse.eye(height * width) - scipy.sparse.coo_matrix(
        entries, shape=(height * width,) * 2
    )
    rhs = (mask[..., None] * chroma).reshape(-1, 2)
    return scipy.sparse.linalg.spsolve(matrix.tocsc(), rhs).reshape(height, width, 2)


def fixed(sigma: float) -> Callable:
    def solve(luma, mask, chroma):
        return Propagator(luma[..., None], sigma=sigma, alpha=1e-3, global_step=0).solve(
            mask, chroma
        )

    return solve


def symmetric(factor: float, floor: float, join: str) -> Callable:
    """Window variances joined over the two ends of an edge."""

    def solve(luma, mask, chroma):
        height, width = luma.shape
        _, variance, _ = windows(luma)
        scale = factor * variance + floor
        local = np.zeros((4, height, width))
        for plane, (dy, dx) in zip(local, HALF, strict=True):
            here = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
            there = (slice(dy, height), slice(max(dx, 0), width - max(-dx, 0)))
            a, b = scale[here], scale[there]
            joined = {"mean": (a + b) / 2, "min": np.minimum(a, b), "max": np.maximum(a, b)}[join]
            plane[here] = np.exp(-((luma[here] - luma[there]) ** 2) / joined)
        affinities = Affinities(local, np.zeros(0), 0)
        return Propagator(affinities, alpha=1e-3).solve(mask, chroma)

    return solve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=24)
    arguments = parser.parse_args()
    methods: dict[str, Callable] = {"as published": published}
    for sigma in (0.01, 0.02, 0.03, 0.05):
        methods[f"fixed sigma {sigma}"] = fixed(sigma)
    for join in ("mean", "min", "max"):
        for factor in (0.3, 0.6, 1.2):
            for floor in (2e-6, 1e-4, 5e-4):
                methods[f"variance x {factor} + {floor:g}, {join}"] = symmetric(factor, floor, join)
    photos = PhotoArchive(arguments.data, "train").photos
    photos = [photos[i * len(photos) // arguments.photos] for i in range(arguments.photos)]
    scores = defaultdict(list)
    for photo in photos:
        rgb = photo.rgb()
        truth, luma = (rgb * 255).round().astype(np.uint8), luma_of(rgb).astype(float)
        for kind in KINDS:
            rgba = rasterize(strokes_of(photo, rgb, kind), luma.shape)
            marks = constraints(rgba, luma.shape)
            for name, solve in methods.items():
                picture = compose(luma, solve(luma, marks.mask, marks.chroma))
                scores[name, kind].append(psnr(picture, truth))
    print(f"PSNR in dB, {len(photos)} training photos, strokes (a) and (b)")
    for name in methods:
        print(f"{name:36s} {np.mean(scores[name, 'a']):7.3f} {np.mean(scores[name, 'b']):7.3f}")


if __name__ == "__main__":
    main()
