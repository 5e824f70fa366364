"""Pictures in: files and arrays to samples, luma and lightness."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from ..errors import InputError
from .color import lightness_of, lightness_of_gray, luma_of

__all__ = [
    "ImageLike",
    "floats",
    "open_picture",
    "read_lightness",
    "read_luma",
    "read_picture",
    "read_samples",
    "upright",
]

ImageLike: TypeAlias = "NDArray[np.generic] | Image.Image | str | os.PathLike[str]"


# EXIF orientation to the operation that turns the picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open and decode a picture file, turned upright by its EXIF orientation.

    Raises
    ------
    InputError
        When the file is missing, no picture, or truncated.
    """
    try:
        opened = Image.open(path)
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} is not a picture that can be read") from None
    except MemoryError:
        raise
    except Exception as error:
        raise _unreadable(str(path), error) from None
    with opened:
        yield upright(opened, str(path))


def upright(picture: Image.Image, name: str) -> Image.Image:
    """Decode a PIL image and turn it upright by its EXIF orientation.

    Only the orientation is looked at: other damaged or odd EXIF entries are no reason to refuse a
    picture.
    """
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise _unreadable(name, error) from None
    orientation = None
    with suppress(Exception):
        orientation = picture.getexif().get(0x0112)
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError(
        f"{name} cannot be read ({type(error).__name__}: {error}); the file is damaged or of an "
        "unsupported kind, save it again as PNG or JPEG"
    )


def read_luma(image: ImageLike, threads: int = 1) -> NDArray[np.float32]:
    """Luma of a picture in any accepted form: (H, W) float32 in [0, 1], see `read_picture`."""
    samples = read_samples(image)
    return floats(samples) if samples.ndim == 2 else luma_of(samples, threads)


def read_lightness(image: ImageLike, threads: int = 1) -> NDArray[np.float32]:
    """CIE L of a picture in any accepted form: (H, W) float32 in [0, 100], see `read_picture`."""
    samples = read_samples(image)
    if samples.ndim == 2:
        return lightness_of_gray(floats(samples))
    return lightness_of(samples, threads)


def read_picture(image: ImageLike) -> NDArray[np.float32]:
    """Values of a picture in any accepted form, as float32 in [0, 1]; see `read_samples`."""
    return floats(read_samples(image))


def floats(samples: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples as float32 in [0, 1]."""
    values = np.asarray(samples, np.float32)
    return values / np.float32(255) if samples.dtype == np.uint8 else values


def read_samples(image: ImageLike) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Values of a picture in any accepted form, eight bits as they are.

    Parameters
    ----------
    image : path, PIL image, or (H, W) or (H, W, 3) array
        Arrays are uint8, uint16, or float in [0, 1], gamma-encoded sRGB. Files and PIL images may
        be of any mode that Pillow reads; transparency is laid over white, an embedded colour
        profile is converted to sRGB.

    Returns
    -------
    (H, W) for gray ones, (H, W, 3) for others
        uint8, or float32 in [0, 1] where there is more than eight bits. It may be the caller's own
        array: it is not to be written to.

    Raises
    ------
    InputError
        When the picture cannot be read, is empty, or has another shape or type.
    """
    if isinstance(image, (str, os.PathLike)):
        with open_picture(Path(image)) as opened:
            return _samples_of_picture(opened, os.fspath(image))
    if isinstance(image, Image.Image):
        return _samples_of_picture(upright(image, "the picture"), "the picture")
    if isinstance(image, np.ndarray):
        return _samples_of_array(image)
    raise InputError(f"image must be a path, a PIL image or an array, not {type(image).__name__}")


def _samples_of_array(array: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.float32]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise InputError(f"an image array must be (H, W) or (H, W, 3), not {array.shape}")
    if array.size == 0:
        raise InputError(f"the image is empty: shape {array.shape}")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        values = array.astype(np.float32) / np.float32(65535)
    elif array.dtype.kind == "f":
        values = array.astype(np.float32)
        if not np.isfinite(values).all():
            raise InputError("the image holds NaN or infinite values")
        if values.min() < 0 or values.max() > 1:
            raise InputError(
                "a float image must lie in [0, 1]; this one reaches from "
                f"{values.min():g} to {values.max():g}"
            )
    else:
        raise InputError(f"an image array must be uint8, uint16 or float, not {array.dtype}")
    return values


def _samples_of_picture(picture: Image.Image, name: str) -> NDArray[np.uint8] | NDArray[np.float32]:
    if picture.width == 0 or picture.height == 0:
        raise InputError(f"{name} is empty: {picture.width}x{picture.height} pixels")
    if picture.mode == "F":
        return _samples_of_array(np.asarray(picture))
    if picture.mode.startswith("I"):  # 16-bit grey, some of it held in 32 bits
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise InputError(f"{name} holds integers beyond 16 bits; save it as 8 or 16 bits")
        luma = _samples_of_array(values.astype(np.uint16))
        clear = picture.info.get("transparency")
        return np.where(values == clear, np.float32(1.0), luma) if isinstance(clear, int) else luma
    if not picture.has_transparency_data:
        return _samples_of_array(np.asarray(_srgb(picture)))
    profile = picture.info.get("icc_profile")
    rgba = picture.convert("RGBA")
    colour = rgba.convert("RGB")
    colour.info["icc_profile"] = profile
    over_white = Image.new("RGB", rgba.size, "white")
    over_white.paste(_srgb(colour), mask=rgba.getchannel("A"))
    return _samples_of_array(np.asarray(over_white))


def _srgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB or grey in sRGB, by the picture's embedded profile."""
    profile = picture.info.get("icc_profile")
    if picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    if profile:
        # A damaged or odd profile is no reason to refuse the picture: read it as if untagged.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            if converted is not None:
                return converted
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
