"""The line art archive, and batches of it: lines, colours, region labels."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from colordeploy.native import region_map
from colordeploy.pictures.color import luma_of

from .batches import CropSize, SeededBatches, planes
from .photos import Folders, licences

# Whole drawings at half size teach the palette four times as fast; crops at full size the lines.
SIZES = (CropSize(128, 128, 160, 8, 0.7), CropSize(256, 256, 320, 2, 0.3))
XDOG_SIGMAS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # Sec. IV-A


@dataclass(frozen=True)
class Drawing:
    """One picture of the archive, still encoded; `line` is None where only colours exist."""

    name: str
    category: str
    color: bytes
    line: bytes | None
    source: str = ""
    licence: str = ""


def _index(path: Path, split: str) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: --data must name the line art archive")
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


class DrawingArchive:
    """Drawings of one split, held in memory in encoded form, ordered by name.

    Parameters
    ----------
    folders : Path or sequence of Path
        Each holds ``index.csv`` (pairs of line/ and color/), ``index-coloronly.csv`` if there are
        pictures without lines, and the tar files they name.
    split : str
        "train" or "val".
    color_only : bool
        Also those that have no lines.
    """

    def __init__(self, folders: Folders, split: str, *, color_only: bool) -> None:
        self.drawings: list[Drawing] = []
        for folder in (folders,) if isinstance(folders, Path) else folders:
            self.drawings += _drawings(folder, split, color_only=color_only)
        self.drawings.sort(key=lambda drawing: drawing.name)

    def summary(self) -> str:
        """How many pictures of which source under which licence, as their indices say, for the
        manifest.
        """
        kinds = {
            "pairs of line art and colour": [d for d in self.drawings if d.line is not None],
            "colour pictures without lines": [d for d in self.drawings if d.line is None],
        }
        return "; ".join(
            licences([(drawing.source, drawing.licence) for drawing in drawings], kind)
            for kind, drawings in kinds.items()
            if drawings
        )


def _drawings(folder: Path, split: str, *, color_only: bool) -> list[Drawing]:
    rows = _index(folder / "index.csv", split)
    extra = folder / "index-coloronly.csv"
    if color_only and extra.is_file():
        rows += _index(extra, split)
    if not rows:
        raise ValueError(f"{folder / 'index.csv'} has no picture with split {split!r}")
    content: dict[str, bytes] = {}
    for name in sorted({row["tar"] for row in rows}):
        with tarfile.open(folder / name) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    content[member.name] = file.read()
    return [
        Drawing(
            Path(row["file"]).stem,
            row["category"],
            content[row["file"]],
            content.get(row["file"].replace("color/", "line/", 1)),
            row.get("source") or "a source that the index does not name",
            row.get("licence") or "licence not stated in the index",
        )
        for row in rows
        if row["file"].startswith("color/")
    ]


def rgb_array(content: bytes) -> NDArray[np.float32]:
    """(H, W, 3) float32 in [0, 1]."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float32) / 255


def gray_array(content: bytes) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1]."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), np.float32) / 255


def xdog(
    rgb: NDArray[np.float32],
    sigma: float,
    *,
    tau: float = 0.999997,
    kappa: float = 1.0001,
    phi: float = 1e9,
) -> NDArray[np.float32]:
    """Sketch of a colour picture by extended differences of Gaussians (Winnemoeller et al. 2012).

    Parameters
    ----------
    rgb : (H, W, 3) float32 in [0, 1]
    sigma, tau, kappa : float
        The paper's (Sec. IV-A): a Gaussian minus tau times one that is kappa times as wide.
    phi : float
        Steepness of the threshold at 0; the paper gives none, this one is next to a step.

    Returns
    -------
    (H, W) float32 in [0, 1], lines dark
    """
    luma = luma_of(rgb).astype(np.float64)
    difference = gaussian_filter(luma, sigma) - tau * gaussian_filter(luma, kappa * sigma)
    soft = 1.0 + np.tanh(np.minimum(phi * difference, 0.0))
    return np.where(difference >= 0, 1.0, soft).astype(np.float32)


@dataclass(frozen=True)
class DrawingBatch:
    line: Tensor  # (B, 1, S, S) in [-1, 1], lines dark
    rgb: Tensor  # (B, 3, S, S) in [-1, 1], the truth
    labels: Tensor  # (B, S, S) int64, 0 on lines


def placed(
    picture: NDArray[np.float32], size: CropSize, rng_state: tuple[int, float, float, bool]
) -> NDArray[np.float32]:
    """Resize, cut a square and maybe mirror; mirror padding where the picture is too small."""
    short, top, left, flip = rng_state
    scale = short / min(picture.shape[:2])
    shape = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    channels = picture[..., None] if picture.ndim == 2 else picture
    resized = np.stack(
        [
            np.asarray(Image.fromarray(channels[..., c]).resize(shape, Image.Resampling.BICUBIC))
            for c in range(channels.shape[2])
        ],
        axis=-1,
    ).clip(0, 1)
    lacking = [max(0, size.side - side) for side in resized.shape[:2]]
    resized = np.pad(resized, [(n // 2, n - n // 2) for n in lacking] + [(0, 0)], mode="reflect")
    y = round(top * (resized.shape[0] - size.side))
    x = round(left * (resized.shape[1] - size.side))
    cut = resized[y : y + size.side, x : x + size.side]
    cut = cut[:, ::-1] if flip else cut
    return np.ascontiguousarray(cut[..., 0] if picture.ndim == 2 else cut)


class DrawingBatches(SeededBatches[Drawing, DrawingBatch]):
    """Crops of the training split with their lines, drawn ones or XDoG's, and regions.

    Parameters
    ----------
    regions : callable
        Labels (H, W) of a sketch (H, W): `region_map`, or fixed patches.
    """

    def __init__(
        self,
        folders: Folders,
        seed: int,
        first_step: int,
        steps: int,
        sizes: tuple[CropSize, ...] = SIZES,
        regions: Callable[[NDArray[np.float32]], NDArray[np.int32]] = region_map,
    ) -> None:
        archive = DrawingArchive(folders, "train", color_only=True)
        super().__init__(archive.drawings, archive.summary(), seed, first_step, steps, sizes)
        self._regions = regions

    def sample(
        self, item: Drawing, size: CropSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.generic], ...]:
        short = int(rng.integers(size.short_min, size.short_max + 1))
        state = (short, float(rng.random()), float(rng.random()), bool(rng.random() < 0.5))
        rgb = placed(rgb_array(item.color), size, state)
        sigma = float(rng.choice(XDOG_SIGMAS))
        if item.line is not None:
            line = placed(gray_array(item.line), size, state)
        else:
            line = xdog(rgb, sigma)
            rgb = rgb * line[..., None]  # the drawing that this sketch belongs to has the lines
        return line, rgb, self._regions(line)

    def assemble(self, *arrays: NDArray[np.generic]) -> DrawingBatch:
        line, rgb, labels = arrays
        return DrawingBatch(
            2 * torch.from_numpy(line)[:, None] - 1,
            2 * planes(rgb) - 1,
            torch.from_numpy(labels.astype(np.int64)),
        )
