"""A picture of a file, decoded once: samples in sRGB, alpha, and what the file says about it."""

from __future__ import annotations

import io
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .decoded import Decoded, Samples
from .metadata import Metadata, metadata_of, upright
from .opening import decode, open_file
from .profiles import to_srgb

__all__ = ["Picture", "floats", "in_range", "lay_over_white", "straight_srgb"]

_LOG = logging.getLogger("colordeploy")
_OUTSIDE = 1e-3  # by which floats may leave [0, 1]: what resampling and rounding do
_ROWS = 1 << 22  # samples that are worked on at once


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a file, decoded once, with what the file says about it.

    Whatever takes a picture takes one of these; `colordeploy.save_picture` writes a result with
    the alpha and the metadata of the picture that it was made of.

    Attributes
    ----------
    samples : (H, W) or (H, W, 3) uint8 or float32 in [0, 1]
        sRGB, upright, transparent parts laid over white; floats where there is more than 8 bits.
        Of any strides: a photo that lies on its side in the file is turned without a copy.
    alpha : (H, W) of the same type, or None
        None when it is opaque.
    metadata : Metadata
        EXIF, XMP and resolution.
    name : str
        Of the file.
    page, pages : int
        Which page or frame it is, from 1 on, and how many the file has.

    Examples
    --------
    >>> picture = colordeploy.Picture.open("scan.tif", page=2)          # doctest: +SKIP
    >>> rgb = model(picture)                                            # doctest: +SKIP
    >>> colordeploy.save_picture(rgb, "coloured.tif", like=picture)     # doctest: +SKIP
    """

    samples: Samples
    alpha: Samples | None = None
    metadata: Metadata = field(default_factory=Metadata)
    name: str = "the picture"
    page: int = 1
    pages: int = 1

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        page: int | None = None,
        max_pixels: int | None = None,
    ) -> Picture:
        """Read a picture file.

        Parameters
        ----------
        path : str or path
        page : int, optional
            Page of a TIFF, frame of an animation, from 1 on. By default the first; thumbnails and
            masks of a TIFF do not count.
        max_pixels : int, optional
            The largest picture that is read, 500 million pixels by default.

        Raises
        ------
        InputError
            When it is missing, no picture, damaged, truncated, too large, or has no such page.
        """
        with open_file(Path(path)) as file:
            return cls._of(file, os.fspath(path), Path(path).suffix, page, max_pixels)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        name: str = "the picture",
        *,
        page: int | None = None,
        max_pixels: int | None = None,
    ) -> Picture:
        """Read the content of a picture file; see `open`.

        Parameters
        ----------
        data : bytes
        name : str
            For messages.
        page, max_pixels : int, optional
        """
        return cls._of(io.BytesIO(data), name, "", page, max_pixels)

    @classmethod
    def _of(
        cls, file: Any, name: str, suffix: str, page: int | None, max_pixels: int | None
    ) -> Picture:
        if page is not None and (isinstance(page, bool) or not isinstance(page, int)):
            raise InputError(f"page must be a whole number from 1 on, not {page!r}")
        found = decode(file, name, suffix, page, max_pixels)
        if page is None and found.pages > 1:
            _LOG.info("%s has %d pages; the first is read", name, found.pages)
        samples, alpha = straight_srgb(found, name)
        size = samples.shape[1], samples.shape[0]
        said = metadata_of(found.exif, found.xmp, found.dpi, size)
        if alpha is not None:
            lay_over_white(samples, alpha)
        return cls(samples, alpha, said, name, page or 1, found.pages)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.samples.shape[0], self.samples.shape[1]

    def has_color(self, tolerance: int = 12) -> bool:
        """Whether it is a colour picture already: not grey, and not toned in one hue.

        Parameters
        ----------
        tolerance : int
            Levels of 255 by which the channels of a grey picture may differ (scanners, JPEG).
        """
        if self.samples.ndim == 2:
            return False
        step = max(1, int((self.samples.shape[0] * self.samples.shape[1] / 1e6) ** 0.5))
        rgb = floats(self.samples[::step, ::step]) * np.float32(255)
        return _colored(rgb.reshape(-1, 3), tolerance)


def floats(samples: Samples) -> NDArray[np.float32]:
    """Samples as float32 in [0, 1]."""
    values = np.asarray(samples, np.float32)
    return values / np.float32(255) if samples.dtype == np.uint8 else values


def in_range(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Floats in [0, 1]; what is out of it by rounding is clipped, in place."""
    lowest, highest = float(values.min()), float(values.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise InputError(f"{name} holds NaN or infinite values; replace them")
    if lowest < -_OUTSIDE or highest > 1 + _OUTSIDE:
        remedy = "clip it, or divide by its white"
        if lowest >= 0 and highest <= 255.5:
            remedy = "divide it by 255"
        elif lowest >= 0 and highest <= 65535.5:
            remedy = "divide it by 65535"
        raise InputError(
            f"a float image must lie in [0, 1]; {name} reaches from {lowest:g} to {highest:g}: "
            f"{remedy}"
        )
    if lowest < 0 or highest > 1:
        return np.clip(values, 0, 1, out=values if values.flags.writeable else None)
    return values


def straight_srgb(
    found: Decoded, name: str, *, keep_opaque: bool = False
) -> tuple[Samples, Samples | None]:
    """Upright straight sRGB and alpha, of the same type and in memory of their own."""
    values, alpha = found.values, found.alpha
    if values.size == 0:
        raise InputError(f"{name} is empty: {values.shape[1]}x{values.shape[0]} pixels")
    if values.dtype != np.uint8:
        values = in_range(np.asarray(values, np.float32), name)
    samples = to_srgb(values, found.model, found.profile, name)
    del values
    found.values = np.empty(0, np.uint8)  # large, and not needed any more
    samples = upright(_gray_if_neutral(samples), found.orientation)
    if not samples.flags.writeable:  # a host's own
        samples = samples.copy()
    if alpha is not None:
        if samples.dtype != np.uint8 and alpha.dtype == np.uint8:
            alpha = floats(alpha)
        alpha = upright(alpha, found.orientation)
        opaque = 255 if alpha.dtype == np.uint8 else 1
        if not keep_opaque and (alpha == opaque).all():
            alpha = None
    return samples, alpha


def _gray_if_neutral(samples: Samples) -> Samples:
    """One plane where the three are the same: a third of the memory of most scans."""
    if samples.ndim == 2:
        return samples
    rows = max(1, _ROWS // samples[0].size)
    for begin in range(0, samples.shape[0], rows):
        part = samples[begin : begin + rows]
        if not (part[..., :1] == part[..., 1:]).all():
            return samples
    return np.ascontiguousarray(samples[..., 0])


def lay_over_white(samples: Samples, alpha: Samples) -> None:
    """Transparent parts over white, in place, a bounded part of the rows at a time."""
    rows = max(1, _ROWS // max(1, samples[0].size))
    for begin in range(0, samples.shape[0], rows):
        part: Any = samples[begin : begin + rows]
        cover: Any = alpha[begin : begin + rows]
        if samples.ndim == 3:
            cover = cover[..., None]
        if samples.dtype == np.uint8:
            cover = cover.astype(np.uint16)
            mixed = (part * cover + 255 * (255 - cover) + 127) // 255
        else:
            mixed = part * cover + (1 - cover)
        samples[begin : begin + rows] = mixed


def _colored(rgb: NDArray[np.float32], tolerance: int) -> bool:
    """Whether chroma says more than one tint does."""
    chroma = rgb[:, [0, 2]] - rgb[:, 1:2]
    spread = np.abs(chroma).max(axis=1)
    if np.mean(spread > tolerance) < 0.02:
        return False
    # A toned picture's chroma depends on its grey level alone.
    level = (rgb.mean(axis=1) / 8).astype(int).clip(0, 31)
    count = np.maximum(np.bincount(level, minlength=32), 1)
    means = np.stack([np.bincount(level, chroma[:, c], 32) / count for c in (0, 1)], axis=1)
    off = np.abs(chroma - means[level]).max(axis=1)
    return bool(np.mean(off > tolerance) >= 0.02)
