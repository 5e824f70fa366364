"""Synthetic scribbles, in the spirit of LGA-Net's AutoSS (whose details are in its supplement).

The picture is cut into colour-coherent segments: k-means on smoothed colours, a majority vote that
takes out specks and fringes, connected parts. A stroke is a short, slightly curved line of a few
pixels' width well inside one segment, in the mean colour of the picture along it. There are far
fewer strokes than segments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from colordeploy.pictures.color import chroma_of, luma_of
from colordeploy.pictures.strokes import Stroke


@dataclass(frozen=True)
class Segments:
    """A picture's colour-coherent segments.

    Attributes
    ----------
    labels : (H, W) int32
        Segment of each pixel, 0..count-1.
    cluster : (count,) int
        Main colour of each segment.
    area : (count,) int
        Pixels of each segment.
    depth : (H, W) float
        Distance of each pixel from the edge of its segment, in pixels; 0 at the edge.
    """

    labels: NDArray[np.int32]
    cluster: NDArray[np.int64]
    area: NDArray[np.int64]
    depth: NDArray[np.float64]


def segment(
    rgb: NDArray[np.float32], colors: int, rng: np.random.Generator, luma_weight: float = 0.25
) -> Segments:
    """Cut a picture (H, W, 3) into connected segments of about equal colour.

    Parameters
    ----------
    colors : int
        Main colours (k of k-means).
    luma_weight : float
        Share of the luma in the colour distance; 0 compares chroma only.
    """
    height, width = rgb.shape[:2]
    smooth = ndimage.gaussian_filter(rgb, (min(height, width) / 150, min(height, width) / 150, 0))
    points = chroma_of(smooth).reshape(-1, 2).astype(np.float64)
    if luma_weight > 0:
        points = np.column_stack([points, luma_weight * luma_of(smooth).ravel()])
    sample = points[rng.choice(len(points), min(1500, len(points)), replace=False)]
    # A little noise keeps k-means++ well defined on flat pictures.
    sample = sample + rng.normal(scale=1e-6, size=sample.shape)
    centres, _ = kmeans2(sample, colors, iter=8, minit="++", seed=rng, missing="warn")
    nearest = cdist(points, centres, "sqeuclidean").argmin(axis=1).reshape(height, width)
    vote = 2 * max(1, round(min(height, width) / 64)) + 1
    shares = [
        ndimage.uniform_filter((nearest == c).astype(np.float32), vote) for c in range(colors)
    ]
    nearest = np.argmax(shares, axis=0)
    labels = np.zeros((height, width), np.int32)
    cluster: list[int] = []
    for color in range(colors):
        parts, count = ndimage.label(nearest == color)
        labels = np.where(parts > 0, parts + len(cluster) - 1, labels)
        cluster.extend([color] * count)
    area = np.bincount(labels.ravel(), minlength=len(cluster))
    inner = ndimage.minimum_filter(labels, 3) == ndimage.maximum_filter(labels, 3)
    depth = np.full(labels.shape, min(height, width) / 2)  # a picture of one segment has no edge
    if not inner.all():
        depth = ndimage.distance_transform_edt(inner)
    return Segments(labels.astype(np.int32), np.array(cluster), area, depth)


def stroke_in(
    segments: Segments, label: int, rgb: NDArray[np.float32], rng: np.random.Generator
) -> Stroke:
    inside = segments.labels == label
    side = min(inside.shape)
    width = max(1.0, round(side * 0.012))
    core = inside & (segments.depth >= width / 2 + 0.5)
    if not core.any():
        core, width = inside, 1.0
    candidates = np.flatnonzero(core)
    # People start well inside of what they mean.
    weight = segments.depth.ravel()[candidates] ** 2 + 1e-9
    start_pixel = rng.choice(candidates, p=weight / weight.sum())
    start = np.array(np.unravel_index(start_pixel, inside.shape), dtype=float)
    wanted = rng.uniform(0.05, 0.15) * side
    longest: list[tuple[float, float]] = []
    for _ in range(3):  # the longest of three directions
        position, angle, bend = start.copy(), rng.uniform(0, 2 * np.pi), rng.normal(scale=0.06)
        path = [(float(start[0]), float(start[1]))]
        while len(path) < wanted:
            angle += bend
            position = position + np.array([np.sin(angle), np.cos(angle)])
            y, x = (int(v) for v in position.round())
            if not (0 <= y < inside.shape[0] and 0 <= x < inside.shape[1] and core[y, x]):
                break
            path.append((float(y), float(x)))
        if len(path) > len(longest):
            longest = path
    along = np.array(longest, dtype=int)
    mean = rgb[along[:, 0], along[:, 1]].mean(axis=0)
    r, g, b = (round(float(channel) * 255) for channel in mean)
    return Stroke(longest[:: max(1, len(longest) // 8)], (r, g, b), width)


def random_segment_strokes(
    rgb: NDArray[np.float32], count: int, rng: np.random.Generator, colors: int = 8
) -> list[Stroke]:
    """`count` short strokes in randomly chosen segments (at least 0.1 % of the picture each).

    Segments are drawn without replacement, with a probability proportional to the square root of
    their area: a user marks a small thing sooner than its share of the picture.
    """
    segments = segment(rgb, colors, rng)
    usable = np.flatnonzero(segments.area >= max(4, 0.001 * segments.labels.size))
    if len(usable) == 0:
        usable = np.array([int(segments.area.argmax())])
    weight = np.sqrt(segments.area[usable])
    chosen = rng.choice(usable, min(count, len(usable)), replace=False, p=weight / weight.sum())
    return [stroke_in(segments, int(label), rgb, rng) for label in chosen]


def main_color_strokes(
    rgb: NDArray[np.float32], colors: int, rng: np.random.Generator
) -> list[Stroke]:
    """One short stroke for each main colour, in the largest segment of that colour only.

    Every other region of the picture has to be reached from afar.
    """
    segments = segment(rgb, colors, rng, luma_weight=0.0)
    strokes = []
    for color in range(colors):
        area = np.where(segments.cluster == color, segments.area, 0)
        if area.any():
            strokes.append(stroke_in(segments, int(area.argmax()), rgb, rng))
    return strokes
