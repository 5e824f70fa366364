"""Samples of any colour model to sRGB, by the file's ICC profile where it has one."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from .color import lab_d50_to_srgb
from .decoded import Model, Samples, looked_up
from .icc import MatrixProfile

__all__ = ["to_srgb"]

_LOG = logging.getLogger("colordeploy")
_SPACES: dict[Model, bytes] = {"gray": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_MODES: dict[Model, str] = {"gray": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}
_ROWS = 1 << 22  # samples that are converted at once


def to_srgb(values: Samples, model: Model, profile: bytes | None, name: str) -> Samples:
    """Samples in sRGB.

    Parameters
    ----------
    values : (H, W) or (H, W, C) uint8 or float32 in [0, 1]
    model : {"gray", "rgb", "cmyk", "lab"}
    profile : bytes, optional
        One that is damaged or of another colour model is not used, and said so in the log.
    name : str
        Of the picture, for the log.

    Returns
    -------
    (H, W) for gray, (H, W, 3) for others, of the same type
    """
    if profile:
        fitted, fitted_model = _fit(values, model, profile[16:20])
        if fitted is not None:
            try:
                return _by_profile(fitted, fitted_model, profile)
            except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
                _LOG.warning("%s: its colour profile is not used: %s", name, error)
        else:
            _LOG.warning(
                "%s: its colour profile is not used: it is for %s, the picture is %s",
                name,
                profile[16:20].decode("latin-1").strip() or "nothing",
                model,
            )
    if model == "cmyk":
        return _by_rows(values, _ink)
    if model == "lab":
        return _by_rows(values, _lab)
    return values


def _fit(values: Samples, model: Model, space: bytes) -> tuple[Samples | None, Model]:
    """The samples as a profile of this colour space takes them; None when it cannot."""
    if _SPACES[model] == space:
        return values, model
    if model == "gray" and space == b"RGB ":
        return np.repeat(values[..., None], 3, axis=-1), "rgb"
    if model == "rgb" and space == b"GRAY" and _neutral(values):
        return np.ascontiguousarray(values[..., 1]), "gray"
    return None, model


def _neutral(values: Samples) -> bool:
    return bool((values[..., :1] == values).all())


def _by_profile(values: Samples, model: Model, profile: bytes) -> Samples:
    exact = MatrixProfile.parse(profile)
    if values.dtype == np.uint8 and not (exact and exact.made_here):
        return _by_rows(values, _by_cms(model, profile), eight=True)
    if exact is not None:
        return _by_rows(values, exact.to_srgb)
    # Tables, as of printers, are used in 8 bits by Pillow's binding of Little CMS.
    convert = _by_cms(model, profile)
    return _by_rows(values, lambda part: _eight(convert, part))


def _eight(
    convert: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], part: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What a conversion of 8 bits makes of floats."""
    made = convert(np.rint(part * np.float32(255)).astype(np.uint8))
    return np.divide(made, np.float32(255), dtype=np.float32)


def _by_cms(model: Model, profile: bytes) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """A profile as a function of some rows."""
    if model == "gray":
        return partial(looked_up, _table_of(profile))
    mode = _MODES[model]
    transform = _transform(mode, profile)

    def convert(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture = Image.fromarray(np.ascontiguousarray(part), mode=mode)
        return np.asarray(_applied(picture, transform))

    return convert


@lru_cache(maxsize=4)
def _table_of(profile: bytes) -> NDArray[np.uint8]:
    """The sRGB grey (256,), or colour (256, 3), of each value of a grey profile."""
    levels = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    table: NDArray[np.uint8] = np.asarray(_applied(levels, _transform("L", profile)))[0]
    # Off neutral by a level is rounding.
    return table[:, 1].copy() if np.ptp(table.astype(int), axis=1).max() <= 2 else table


def _transform(mode: str, profile: bytes) -> ImageCms.ImageCmsTransform:
    """From a profile to sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _applied(picture: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    found = ImageCms.applyTransform(picture, transform)
    if found is None:
        raise ValueError("it converts nothing")
    return found


def _by_rows(
    values: Samples, function: Callable[[NDArray[Any]], NDArray[Any]], *, eight: bool = False
) -> Samples:
    """Apply a function of rows to samples of either type, a bounded part at a time.

    In place where the result has the same shape: a large picture is not held twice. The function
    is one of floats, or with `eight` of eight bits.
    """
    result: Any = None
    rows = max(1, _ROWS // max(1, values[0].size))
    for begin in range(0, values.shape[0], rows):
        part = values[begin : begin + rows]
        scaled = part.dtype == np.uint8 and not eight
        made = function(part.astype(np.float32) / np.float32(255) if scaled else part)
        if result is None:
            own = made.shape == part.shape and values.flags.writeable
            shape = (values.shape[0], *made.shape[1:])
            result = values if own else np.empty(shape, values.dtype)
        result[begin : begin + rows] = np.rint(made * 255) if scaled else made
    found: Samples = result
    return found


def _ink(cmyk: NDArray[np.float32]) -> NDArray[np.float32]:
    """CMYK without a profile: each ink takes its part of the light."""
    return (1 - cmyk[..., :3]) * (1 - cmyk[..., 3:])


def _lab(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled = values * np.array([100, 255, 255], np.float32) - np.array([0, 128, 128], np.float32)
    return lab_d50_to_srgb(scaled)
