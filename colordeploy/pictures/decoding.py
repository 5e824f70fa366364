"""Pictures in: files, Pillow images and arrays to samples, luma and lightness in sRGB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..native import color as core
from .decoded import Decoded, Samples, of_pillow, said_by_pillow
from .limits import check_pixels
from .opening import decode, open_file
from .picture import Picture, floats, in_range, lay_over_white, straight_srgb

__all__ = [
    "ImageLike",
    "floats",
    "read_lightness",
    "read_luma",
    "read_picture",
    "read_rgba",
    "read_samples",
]


ImageLike: TypeAlias = "NDArray[np.generic] | Image.Image | Picture | str | os.PathLike[str]"


def read_luma(image: ImageLike, threads: int = 1) -> NDArray[np.float32]:
    """Luma of a picture in any accepted form: (H, W) float32 in [0, 1], see `read_samples`."""
    return core.luma_plane(read_samples(image), threads)


def read_lightness(image: ImageLike, threads: int = 1) -> NDArray[np.float32]:
    """CIE L of a picture in any accepted form: (H, W) float32 in [0, 100], see `read_samples`."""
    return core.lightness_plane(read_samples(image), threads)


def read_picture(image: ImageLike) -> NDArray[np.float32]:
    """Values of a picture in any accepted form, as float32 in [0, 1]; see `read_samples`."""
    return floats(read_samples(image))


def read_samples(image: ImageLike) -> Samples:
    """Values of a picture in any accepted form, eight bits as they are.

    Parameters
    ----------
    image : path, PIL image, `Picture`, or (H, W) or (H, W, 3) array
        Arrays are uint8, uint16, or float in [0, 1], gamma-encoded sRGB. Files may be of any format
        and kind that docs/pictures.md lists; transparency is laid over white, an embedded colour
        profile is converted to sRGB.

    Returns
    -------
    (H, W) for gray ones, (H, W, 3) for others
        uint8, or float32 in [0, 1] where there is more than eight bits; of any strides. It may be
        the caller's own array: it is not to be written to.

    Raises
    ------
    InputError
        When the picture cannot be read, is empty, or has another shape or type.
    """
    if isinstance(image, Picture):
        return image.samples
    if isinstance(image, (str, os.PathLike)):
        return Picture.open(image).samples
    if isinstance(image, Image.Image):
        samples, alpha = straight_srgb(_of_image(image, "the picture"), "the picture")
        if alpha is not None:
            lay_over_white(samples, alpha)
        return samples
    if isinstance(image, np.ndarray):
        return _of_array(image, "the image")
    raise InputError(f"image must be a path, a PIL image or an array, not {type(image).__name__}")


def read_rgba(image: Image.Image | str | os.PathLike[str], name: str) -> NDArray[np.uint8] | None:
    """A layer with its transparency: (H, W, 4) uint8 sRGB, colours not multiplied by alpha.

    None when it has no transparency at all.

    Raises
    ------
    InputError
        When the picture cannot be read.
    """
    if isinstance(image, Image.Image):
        found = _of_image(image, name)
    else:
        path = Path(image)
        with open_file(path) as file:
            found = decode(file, name, path.suffix, None, None)
    color, alpha = straight_srgb(found, name, keep_opaque=True)
    if alpha is None:
        return None
    planes = [color] * 3 if color.ndim == 2 else [color[..., c] for c in range(3)]
    return np.stack([_eight(plane) for plane in (*planes, alpha)], axis=-1)


def _eight(values: Samples) -> NDArray[np.uint8]:
    if values.dtype != np.uint8:
        values = np.rint(values * np.float32(255)).astype(np.uint8)
    return values


def _of_image(picture: Image.Image, name: str) -> Decoded:
    """A Pillow image, decoded if it has not been."""
    check_pixels(*picture.size, name, None, 12)
    try:
        picture.load()
        found = of_pillow(picture, name)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on damaged files
        raise InputError(
            f"{name} cannot be decoded ({type(error).__name__}: {error}); the file behind it is "
            "closed or damaged"
        ) from None
    for field, value in said_by_pillow(picture).items():
        setattr(found, field, value)
    return found


def _of_array(array: NDArray[Any], name: str) -> Samples:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise InputError(f"an image array must be (H, W) or (H, W, 3), not {array.shape}")
    if array.size == 0:
        raise InputError(f"the image is empty: shape {array.shape}")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return array.astype(np.float32) / np.float32(65535)
    if array.dtype.kind == "f":
        return in_range(array.astype(np.float32), name)
    raise InputError(f"an image array must be uint8, uint16 or float, not {array.dtype}")
