"""Pictures out: arrays to files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..files import write_whole

__all__ = ["picture_format", "save_picture"]

# Suffixes of files that keep a picture's size and (all but JPEG exactly) its luma.
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ".bmp": ("BMP", {}),
}


def picture_format(path: Path) -> tuple[str, dict[str, Any]]:
    """Pillow's format and options for a file name; InputError for suffixes that are not written."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"{path}: pictures are not written with the suffix {path.suffix!r}; use one of "
            f"{', '.join(_FORMATS)}"
        ) from None


def save_picture(picture: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write an (H, W, 3) or (H, W, 4) uint8 picture, whole or not at all.

    Raises
    ------
    InputError
        When the suffix names no picture format or the place cannot be written.
    """
    target = Path(path)
    kind, options = picture_format(target)
    encoded = io.BytesIO()
    try:
        Image.fromarray(picture).save(encoded, format=kind, **options)
    except MemoryError:
        raise
    except Exception as error:  # encoders raise almost anything past their limits
        raise InputError(
            f"{target}: a picture of {picture.shape[1]}x{picture.shape[0]} cannot be saved as "
            f"{kind} ({error}); use .png"
        ) from None
    write_whole(target, encoded.getvalue())
