"""A coloured picture that strokes mend: its luma and chroma, of which only the latter changes."""

from __future__ import annotations

import hashlib
import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..errors import InputError
from ..native import resample
from ..native.color import lightness_of_gray
from .color import chroma_of, compose_lab, luma_of
from .decoding import ImageLike, read_samples
from .geometry import resize
from .photo import Photo
from .picture import Picture

__all__ = ["Base", "BaseLike", "base_key", "read_base"]

BaseLike: TypeAlias = "ImageLike | NDArray[np.floating]"
"""A coloured picture in any form that pictures come in, or CIE a and b (H, W, 2)."""


class Base:
    """A coloured picture at its own size, and reduced.

    Attributes
    ----------
    luma : (H, W) float32 in [0, 1]
        Its own luma Y: a base that kept another lightness than luma keeps it on.
    chroma : (H, W, 2) float32
        U and V.
    """

    def __init__(self, luma: NDArray[np.float32], chroma: NDArray[np.float32]) -> None:
        self.luma, self.chroma = luma, chroma
        # The last ones: edits and previews come in rows.
        self._reduced: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._preview: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        kept = (self.luma, self.chroma, *(self._reduced or ()), *(self._preview or ()))
        return sum(array.nbytes for array in kept)

    def reduced(self, shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Luma and chroma at a working size."""
        if shape == self.luma.shape:
            return self.luma, self.chroma
        kept = self._reduced  # read once: another thread may put its own there
        if kept is None or kept[0].shape != shape:
            luma = np.clip(resize(self.luma, shape), 0.0, 1.0)
            kept = self._reduced = luma, resize(self.chroma, shape)
        return kept

    def preview(
        self, shape: tuple[int, int], threads: int | None, cancel: CancelToken | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Luma and chroma at a preview's size."""
        if shape == self.luma.shape:
            return self.luma, self.chroma
        kept = self._preview
        if kept is None or kept[0].shape != shape:
            planes = [self.luma, self.chroma[..., 0], self.chroma[..., 1]]
            y, u, v = (resample(p, shape, threads=threads, cancel=cancel) for p in planes)
            kept = self._preview = np.clip(y, 0.0, 1.0), np.stack([u, v], axis=-1)
        return kept


def base_key(base: BaseLike) -> tuple[object, ...]:
    """What tells one base from another: a file by its date, a `Picture`, which does not change, by
    itself, other values by their hash.
    """
    if isinstance(base, Picture):
        return ("picture", base)
    if isinstance(base, (str, os.PathLike)):
        try:
            found = os.stat(base)
        except (OSError, ValueError):
            return (str(base),)  # reading it says what is wrong
        return os.fspath(base), found.st_mtime_ns, found.st_size
    values = base if isinstance(base, np.ndarray) else read_samples(base)
    digest = hashlib.sha256(np.ascontiguousarray(values).data).digest()
    return values.shape, values.dtype.str, digest


def read_base(base: BaseLike, photo: Photo) -> Base:
    """Read a coloured picture.

    Parameters
    ----------
    base : path, PIL image, `Picture`, or (H, W, 3) array; or (H, W, 2) float array
        A picture, see `read_samples`, or CIE a and b, which get the photo's own lightness.
    photo : Photo
        The picture it belongs to, in luma.

    Raises
    ------
    InputError
        When it cannot be read, has another size, or holds NaN.
    """
    rgb: NDArray[Any]
    if isinstance(base, np.ndarray) and base.ndim == 3 and base.shape[2] == 2:
        rgb = _of_chroma(base, photo)
    else:
        rgb = read_samples(base)
    if rgb.shape[:2] != photo.size:
        raise _other_size(rgb.shape, photo)
    if rgb.ndim == 2:
        rgb = np.repeat(rgb[..., None], 3, axis=2)
    values = rgb.astype(np.float32)
    if rgb.dtype == np.uint8:
        values /= np.float32(255)
    return Base(luma_of(values), chroma_of(values))


def _of_chroma(ab: NDArray[Any], photo: Photo) -> NDArray[np.uint8]:
    if ab.shape[:2] != photo.size:
        raise _other_size(ab.shape, photo)
    if ab.dtype.kind != "f" or not np.isfinite(ab).all():
        raise InputError(
            f"a base of CIE a and b (H, W, 2) holds finite floating-point numbers; this one is "
            f"{ab.dtype}{'' if ab.dtype.kind != 'f' else ' with NaN or infinite values'}"
        )
    return compose_lab(lightness_of_gray(photo.lightness), ab.astype(np.float32))


def _other_size(shape: tuple[int, ...], photo: Photo) -> InputError:
    return InputError(
        f"the base is {shape[1]}x{shape[0]} pixels, but the picture is {photo.size[1]}x"
        f"{photo.size[0]}; give a coloured version of the same size"
    )
