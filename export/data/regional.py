"""Regions of drawings with the encoder's features of them, found once and kept in files."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from colordeploy.errors import InputError
from colordeploy.files import write_whole
from colordeploy.methods.line_art.drawing import Drawing as LineArt
from colordeploy.methods.line_art.tokens import region_tokens
from colordeploy.pictures.color import lab_of

from ..models.rasc.regional import Regions
from .batches import Batches
from .drawings import DrawingArchive
from .photos import Folders
from .views import Pair, plain, varied

Pooled = Callable[[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], ...]]

_MOST_REGIONS = 400  # drawings of more are left out
_TOKENS = 1400  # regions of a batch, padding included
_DRAWINGS = 20  # of a batch at most
_NEAREST = 4  # colours of the palette that stand for a true one,
_SPREAD = 6.0  # by their distance in Lab


@dataclass(frozen=True, eq=False)
class RegionSample:
    """One view of a drawing.

    Attributes
    ----------
    pooled : (K, C) float16
        Means of the encoder's features over each region.
    whole : (c,) float16
        Mean of those at stride 32 over the drawing.
    geometry : (K, 14) float32
    borders : (K, K) float16
    colors : (K, 3) uint8
        The median of each region's true colours.
    areas : (K,) int32
        Pixels of each.
    """

    pooled: NDArray[np.float16]
    whole: NDArray[np.float16]
    geometry: NDArray[np.float32]
    borders: NDArray[np.float16]
    colors: NDArray[np.uint8]
    areas: NDArray[np.int32]


def sample_of(pair: Pair, pooled: Pooled) -> RegionSample | None:
    """Regions and features of a pair; None where there is nothing to learn from it.

    Parameters
    ----------
    pooled : callable
        From a lightness (h, w) and shares (K, h / 4, w / 4) to `RegionSample.pooled` and `whole`.
    """
    line, rgb = pair
    try:
        drawing = LineArt(line, lambda shape: shape, threads=1)
    except InputError:  # a view without lines
        return None
    found = drawing.regions
    if not 1 < found.count <= _MOST_REGIONS:
        return None
    tokens = region_tokens(
        found.working, found.covered, drawing.working_luma, found.count,
        np.zeros((found.count, 2), np.intp),
    )  # fmt: skip
    features, whole = pooled(drawing.working_luma, tokens.shares)
    return RegionSample(
        features.astype(np.float16),
        whole.astype(np.float16),
        tokens.geometry,
        tokens.borders.astype(np.float16),
        _medians((rgb * 255).round().astype(np.uint8), found.labels, found.count),
        found.areas[1:].astype(np.int32),
    )


def _medians(rgb: NDArray[np.uint8], labels: NDArray[np.int32], count: int) -> NDArray[np.uint8]:
    marks = labels.ravel()
    order = np.argsort(marks, kind="stable")
    ends = np.searchsorted(marks[order], np.arange(1, count + 1))
    pixels = rgb.reshape(-1, 3)[order]
    found = [np.median(pixels[a:b], axis=0) for a, b in pairwise(ends)]
    return np.array(found).round().astype(np.uint8)


def collect(
    folders: Folders, split: str, view: int, pooled: Pooled, kept: Path | None = None
) -> list[RegionSample]:
    """One view of each drawing: view 0 as it is (pairs alone, outside of training), others
    `varied`, the same for the same number.

    Parameters
    ----------
    kept : Path, optional
        A folder: what was found is written there, and read from there the next time.
    """
    file = kept / f"{split}-{view}.npz" if kept else None
    if file and file.is_file():
        return _read(file)
    archive = DrawingArchive(folders, split, color_only=split == "train")
    found = []
    for drawing in track(archive.drawings, f"view {view}"):
        rng = np.random.default_rng((view, zlib.crc32(drawing.name.encode())))
        sample = sample_of((varied if view else plain)(drawing, rng), pooled)
        if sample is not None:
            found.append(sample)
    if file:
        _write(file, found)
    return found


_FIELDS = tuple(RegionSample.__dataclass_fields__)


def _write(path: Path, samples: Sequence[RegionSample]) -> None:
    content = io.BytesIO()
    parts = {
        name: np.concatenate([getattr(sample, name).ravel() for sample in samples])
        for name in _FIELDS
    }
    counts = np.array([len(sample.areas) for sample in samples])
    np.savez(content, counts=counts, **parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def _read(path: Path) -> list[RegionSample]:
    with np.load(path, allow_pickle=False) as parts:
        counts = parts["counts"]
        flat = {name: parts[name] for name in _FIELDS}
    channels = flat["pooled"].size // counts.sum()
    shapes: dict[str, Callable[[int], tuple[int, ...]]] = {
        "pooled": lambda k: (k, channels),
        "whole": lambda k: (flat["whole"].size // len(counts),),
        "geometry": lambda k: (k, flat["geometry"].size // int(counts.sum())),
        "borders": lambda k: (k, k),
        "colors": lambda k: (k, 3),
        "areas": lambda k: (k,),
    }
    begin = dict.fromkeys(_FIELDS, 0)
    samples = []
    for count in counts.tolist():
        values = {}
        for name in _FIELDS:
            shape = shapes[name](count)
            end = begin[name] + int(np.prod(shape))
            values[name] = flat[name][begin[name] : end].reshape(shape)
            begin[name] = end
        samples.append(RegionSample(**values))
    return samples


class RegionBatch(NamedTuple):
    """Drawings of about as many regions, padded to K.

    Attributes
    ----------
    pooled, whole, regions :
        What the network is told.
    colors : (B, K, 3) float32 in [0, 1]
        The truth.
    shares : (B, K) float32
        Of the drawing's pixels; 0 for padding.
    nearest, weights : (B, K, 4)
        Colours of the palette that stand for the true one, and how much each.
    """

    pooled: Tensor
    whole: Tensor
    regions: Regions
    colors: Tensor
    shares: Tensor
    nearest: Tensor
    weights: Tensor


def assembled(samples: Sequence[RegionSample], palette: NDArray[np.float32]) -> RegionBatch:
    """A batch of these samples; `palette` (n, 3) float32 in [0, 1]."""
    most = max(len(sample.areas) for sample in samples)

    def padded(name: str, *shape: int) -> Tensor:
        result = np.zeros((len(samples), most, *shape), np.float32)
        for row, sample in zip(result, samples, strict=True):
            values = getattr(sample, name)
            row[tuple(slice(n) for n in values.shape)] = values
        return torch.from_numpy(result)

    areas, colors = padded("areas"), padded("colors", 3) / 255
    labs = lab_of(colors.numpy()).astype(np.float32)
    square = torch.cdist(torch.from_numpy(labs), torch.from_numpy(lab_of(palette))).square()
    near, nearest = square.topk(_NEAREST, dim=2, largest=False)
    weights = torch.softmax(-near / (2 * _SPREAD**2), dim=2)
    return RegionBatch(
        padded("pooled", samples[0].pooled.shape[1]),
        torch.from_numpy(np.stack([sample.whole for sample in samples]).astype(np.float32)),
        Regions(
            padded("geometry", samples[0].geometry.shape[1]),
            padded("borders", most),
            (areas > 0).to(torch.float32),
        ),
        colors,
        areas / torch.tensor([[int(sample.areas.sum())] for sample in samples]),
        nearest,
        weights,
    )


def repeated(batch: RegionBatch, times: int) -> RegionBatch:
    """Each drawing of a batch so many times, one after the other."""
    parts = {
        name: getattr(batch, name).repeat_interleave(times, 0)
        for name in RegionBatch._fields
        if name != "regions"
    }
    regions = Regions(*(part.repeat_interleave(times, 0) for part in batch.regions))
    return RegionBatch(regions=regions, **parts)


class RegionBatches(Batches[RegionSample, RegionBatch]):
    """Batches of drawings with about as many regions each, so that little is padded.

    Parameters
    ----------
    samples : sequence of RegionSample
    summary : str
        What they are, for the manifest.
    palette : (n, 3) float32 in [0, 1]
    """

    def __init__(
        self,
        samples: Sequence[RegionSample],
        summary: str,
        palette: NDArray[np.float32],
        seed: int,
        first_step: int,
        steps: int,
    ) -> None:
        ordered = sorted(samples, key=lambda sample: len(sample.areas))
        super().__init__(ordered, summary, seed, first_step, steps)
        self._palette = palette

    def batch(self, step: int) -> RegionBatch:
        rng = np.random.default_rng((self._seed, step))
        last = int(rng.integers(len(self.items)))
        count = min(_DRAWINGS, max(1, _TOKENS // len(self.items[last].areas)))
        # Out of those with as many regions or a few less, so that batches do not repeat.
        first = max(0, last - 8 * count)
        chosen = rng.choice(np.arange(first, last + 1), min(count, last + 1 - first), replace=False)
        return assembled([self.items[int(i)] for i in chosen], self._palette)
