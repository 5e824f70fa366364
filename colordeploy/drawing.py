"""Line art: its ink and its regions."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from .color import luma_of
from .errors import InputError
from .image import ImageLike, read_picture, resize
from .native import cover_lines, region_map
from .trace import span

__all__ = ["MOST_REGIONS", "Drawing", "patch_labels", "strips"]

MOST_REGIONS = 2048  # the paper's busiest drawing has 729

_RADII = (3, 2, 1)  # of the balls at the working size; larger pictures get larger balls
_LARGEST_RADIUS = 31
_SMALLEST = 8  # pixels of a region at the working size
_LINE = 0.8  # darker is line
_DARK = 0.5  # if most of the picture is darker, it is white on black
_STRIP_PIXELS = 1 << 20


class Drawing:
    """A drawing, dark lines on light ground.

    Parameters
    ----------
    image : path, PIL image, or array
        See `colordeploy.image.read_picture`.
    working_shape : callable
        From the drawing's size to the working size.

    Attributes
    ----------
    ink : (H, W, 3) uint8 or None
        Colour of the lines; None is black.
    opacity : (H, W) uint8
        Of the lines; ink of that opacity over white is the drawing.
    regions, covered : (H, W) int32
        Regions, 0 on lines; and with the lines given to near ones. Read-only.
    working_luma : (h, w) float32 in [0, 1]
    working_regions : (h, w) int32

    Raises
    ------
    InputError
        For pictures that cannot be read, have no lines, or no light ground.
    """

    def __init__(
        self, image: ImageLike, working_shape: Callable[[tuple[int, int]], tuple[int, int]]
    ) -> None:
        name = str(image) if isinstance(image, (str, os.PathLike)) else "the picture"
        values = read_picture(image)
        luma = values if values.ndim == 2 else luma_of(values)
        if float((luma < _DARK).mean()) > 0.5:
            if luma.max() < _DARK:
                raise InputError(
                    f"{name} has no light ground: it is dark all over; line art is dark lines on "
                    "light ground"
                )
            warnings.warn(
                f"{name} is mostly dark: it is taken for light lines on dark ground and inverted",
                stacklevel=4,
            )
            values, luma = 1 - values, 1 - luma
        if not (luma < _LINE).any():
            raise InputError(f"{name} is empty: nothing in it is dark enough for a line")
        shape = working_shape((luma.shape[0], luma.shape[1]))
        self.working_luma = np.clip(resize(luma, shape), np.float32(0), np.float32(1))
        # The least opacity with which some ink over white gives the drawing.
        cover = 1 - (values if values.ndim == 2 else values.min(axis=2))
        self.opacity = (cover * 255 + np.float32(0.5)).astype(np.uint8)
        self.ink = _ink(values, cover)
        self.regions = _find_regions(luma, min(luma.shape) / min(shape), name)
        self.covered = cover_lines(self.regions)
        self.working_regions = _nearest(self.regions, shape)
        for labels in (self.regions, self.covered, self.working_regions):
            labels.flags.writeable = False


def patch_labels(height: int, width: int, side: int) -> NDArray[np.int32]:
    """Fixed patches instead of regions (RASC's Table IV), labels from 1 on."""
    rows, columns = np.arange(height) // side, np.arange(width) // side
    labels: NDArray[np.int32] = (1 + rows[:, None] * (1 + columns[-1]) + columns).astype(np.int32)
    return labels


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of about a megapixel each: what bounds the memory of large pictures."""
    rows = max(1, _STRIP_PIXELS // shape[1])
    for begin in range(0, shape[0], rows):
        yield slice(begin, min(begin + rows, shape[0]))


def _ink(values: NDArray[np.float32], cover: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """The colour that, laid over white with opacity `cover`, gives the drawing."""
    if values.ndim == 2:
        return None
    ink = np.zeros(values.shape, np.uint8)
    for rows in strips(values.shape):
        opacity = cover[rows, :, None]
        over = values[rows] - (1 - opacity)
        pure = np.divide(over, opacity, out=np.zeros_like(over), where=opacity > 1 / 255)
        ink[rows] = np.clip(pure, 0, 1) * 255 + np.float32(0.5)
    return ink if ink.max() > _GRAY_INK else None


_GRAY_INK = 8  # of 255: gray drawings saved in colour are black ink but for rounding


def _find_regions(luma: NDArray[np.float32], scale: float, name: str) -> NDArray[np.int32]:
    radii = sorted({min(_LARGEST_RADIUS, round(r * scale)) for r in _RADII}, reverse=True)
    smallest = round(_SMALLEST * scale * scale)
    with span("regions"):
        labels = region_map(luma, radii=radii, threshold=_LINE, smallest=smallest)
    if labels.max() > MOST_REGIONS:
        warnings.warn(
            f"{name} has {labels.max()} regions, more like a photo than line art; small ones are "
            f"merged until at most {MOST_REGIONS} are left",
            stacklevel=5,
        )
    while labels.max() > MOST_REGIONS and smallest < luma.size:
        smallest = max(1, smallest * 4)
        labels = region_map(luma, radii=radii, threshold=_LINE, smallest=smallest)
    # Specks between lines that touch no other region cannot merge: the smallest go to the lines.
    if labels.max() > MOST_REGIONS:
        pixels = np.bincount(labels.ravel())
        pixels[0] = 0
        kept = np.zeros(len(pixels), np.int32)
        kept[np.sort(np.argsort(-pixels, kind="stable")[:MOST_REGIONS])] = np.arange(
            1, MOST_REGIONS + 1
        )
        labels = kept[labels]
    return labels


def _nearest(labels: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.int32]:
    rows, columns = (
        ((np.arange(few) + 0.5) * many / few).astype(np.intp)
        for many, few in zip(labels.shape, shape, strict=True)
    )
    small: NDArray[np.int32] = labels[rows[:, None], columns[None]]
    return small
