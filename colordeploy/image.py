"""Pictures in and out: files and arrays to luma planes, arrays to files, sizes and padding."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from .color import luma_of
from .errors import InputError

__all__ = [
    "ImageLike",
    "WorkingSize",
    "open_picture",
    "pad_to_multiple",
    "read_luma",
    "resize",
    "save_picture",
    "working_shape",
    "write_whole",
]

ImageLike: TypeAlias = "NDArray[np.generic] | Image.Image | str | os.PathLike[str]"
WorkingSize: TypeAlias = "int | Literal['native'] | None"


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open and decode a picture file, turned upright by its EXIF orientation.

    Raises
    ------
    InputError
        When the file is missing, no picture, or truncated.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} is not a picture that can be read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow reports damaged files by any of these, depending on the format.
        raise InputError(f"{path} cannot be read: {error}") from None
    yield upright


def read_luma(image: ImageLike) -> NDArray[np.float32]:
    """Luma of a picture in any accepted form.

    Parameters
    ----------
    image : path, PIL image, or (H, W) or (H, W, 3) array
        Arrays are uint8, uint16, or float in [0, 1], gamma-encoded sRGB; a colour picture is
        reduced to its luma. Files and PIL images may be of any mode that Pillow reads;
        transparency is laid over white, an embedded colour profile is converted to sRGB.

    Returns
    -------
    (H, W) float32 in [0, 1]

    Raises
    ------
    InputError
        When the picture cannot be read, is empty, or has another shape or type.
    """
    if isinstance(image, (str, os.PathLike)):
        with open_picture(Path(image)) as opened:
            return _luma_of_picture(opened, os.fspath(image))
    if isinstance(image, Image.Image):
        return _luma_of_picture(ImageOps.exif_transpose(image), "the picture")
    if isinstance(image, np.ndarray):
        return _luma_of_array(image)
    raise InputError(f"image must be a path, a PIL image or an array, not {type(image).__name__}")


def _luma_of_array(array: NDArray[np.generic]) -> NDArray[np.float32]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise InputError(f"an image array must be (H, W) or (H, W, 3), not {array.shape}")
    if array.size == 0:
        raise InputError(f"the image is empty: shape {array.shape}")
    if array.dtype == np.uint8 or array.dtype == np.uint16:
        largest = np.float32(255 if array.dtype == np.uint8 else 65535)
        values = array.astype(np.float32) / largest
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
    return values if values.ndim == 2 else luma_of(values)


def _luma_of_picture(picture: Image.Image, name: str) -> NDArray[np.float32]:
    if picture.width == 0 or picture.height == 0:
        raise InputError(f"{name} is empty: {picture.width}x{picture.height} pixels")
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.new("RGBA", rgba.size, "white")
        picture.alpha_composite(rgba)
        picture = picture.convert("RGB")
    if picture.mode == "F":
        return _luma_of_array(np.asarray(picture))
    if picture.mode.startswith("I"):  # 16-bit grey, some of it held in 32 bits
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise InputError(f"{name} holds integers beyond 16 bits; save it as 8 or 16 bits")
        return _luma_of_array(values.astype(np.uint16))
    if picture.mode == "L":
        return _luma_of_array(np.asarray(picture))
    return _luma_of_array(np.asarray(_srgb(picture)))


def _srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK"):
        # A damaged or odd profile is no reason to refuse the picture: read it as if untagged.
        with suppress(ImageCms.PyCMSError, OSError):
            converted = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            if converted is not None:
                return converted
    return picture.convert("RGB")


def resize(values: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a plane, or a stack of planes in the last axis, antialiased (bicubic).

    Parameters
    ----------
    values : (H, W) or (H, W, C) float
    shape : (h, w)
    """
    if values.shape[:2] == tuple(shape):
        return values.astype(np.float32)
    if values.ndim == 3:
        return np.stack([resize(values[..., c], shape) for c in range(values.shape[2])], axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(plane.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)).copy()


def working_shape(shape: tuple[int, int], size: WorkingSize, default: int) -> tuple[int, int]:
    """Return the size at which a method works on a picture, aspect ratio kept.

    Parameters
    ----------
    shape : (H, W)
    size : int, "native" or None
        Short side in pixels; "native" is the picture's own size, None the default. A picture is
        never enlarged.
    default : int
        Short side for None.
    """
    if size == "native":
        return shape
    short = default if size is None else size
    if isinstance(short, bool) or not isinstance(short, (int, np.integer)) or short < 1:
        raise InputError(f"size must be a short side of at least 1 pixel or 'native', not {size!r}")
    scale = min(1.0, int(short) / min(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def pad_to_multiple(plane: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """Repeat the last row and column until both sides are whole multiples."""
    height, width = plane.shape
    return np.pad(plane, ((0, -height % multiple), (0, -width % multiple)), mode="edge")


def save_picture(picture: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write an (H, W, 3) or (H, W, 4) uint8 picture, whole or not at all.

    Raises
    ------
    InputError
        When the suffix names no picture format or the place cannot be written.
    """
    target = Path(path)
    kind = Image.registered_extensions().get(target.suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise InputError(
            f"{target}: unknown picture suffix {target.suffix!r}; use .png, .jpg, .webp or .tif"
        )
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    encoded = io.BytesIO()
    try:
        Image.fromarray(picture).save(encoded, format=kind, **options)
    except (OSError, ValueError) as error:
        raise InputError(f"{target}: this picture cannot be saved as {kind}: {error}") from None
    write_whole(target, encoded.getvalue())


def write_whole(target: Path, content: bytes) -> None:
    """Write a file whole or not at all: into a neighbour first, then moved into place."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(name, target)
    except OSError as error:
        with suppress(OSError):
            os.unlink(name)
        raise InputError(f"cannot write {target}: {error.strerror}") from None
