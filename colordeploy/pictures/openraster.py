"""OpenRaster (.ora): named layers that Krita, GIMP and others open.

By the specification 0.0.3 (https://www.openraster.org): a ZIP archive whose first member,
``mimetype``, is stored uncompressed, with ``stack.xml``, a PNG for each layer, the merged picture
and a thumbnail of at most 256 pixels a side.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..files import writing
from .encoding import Options, encode

__all__ = ["Document", "DocumentLayer"]

_MIME_TYPE = b"image/openraster"
_VERSION = "0.0.3"
_THUMBNAIL = 256  # pixels of the longer side, at most
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of all members: equal documents are equal files


@dataclass(frozen=True, eq=False)
class DocumentLayer:
    """One layer of a document.

    Attributes
    ----------
    name : str
    pixels : (H, W, 4) uint8
        sRGB, not multiplied by alpha.
    visible : bool
    """

    name: str
    pixels: NDArray[np.uint8]
    visible: bool = True


@dataclass(frozen=True, eq=False)
class Document:
    """Layers of one size, the lowest first, and what they give together.

    Attributes
    ----------
    layers : sequence of DocumentLayer
    merged : (H, W, 3) uint8
        The picture that readers without layers show.
    """

    layers: Sequence[DocumentLayer]
    merged: NDArray[np.uint8]

    def __post_init__(self) -> None:
        size = self.merged.shape[:2]
        for layer in self.layers:
            if layer.pixels.shape != (*size, 4) or layer.pixels.dtype != np.uint8:
                raise InputError(
                    f"layer {layer.name!r} must be ({size[0]}, {size[1]}, 4) uint8 as the merged "
                    f"picture, not {layer.pixels.shape} of {layer.pixels.dtype}"
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an OpenRaster file, whole or not at all.

        Parameters
        ----------
        path : path
            Ends in .ora.

        Raises
        ------
        InputError
            For another ending, or when the place cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".ora":
            raise InputError(
                f"{target}: layers are written as OpenRaster, a name that ends in .ora"
            )
        with writing(target) as file:
            self.write(file)

    def write(self, file: BinaryIO) -> None:
        """Write an OpenRaster file into an open one; it need not be seekable."""
        height, width = self.merged.shape[:2]
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
            _add(archive, "mimetype", _MIME_TYPE)
            _add(archive, "stack.xml", self._stack(height, width).encode(), zipfile.ZIP_DEFLATED)
            for number, layer in enumerate(self.layers):
                _add(archive, f"data/layer{number}.png", _png(layer.pixels))
            _add(archive, "mergedimage.png", _png(self.merged))
            _add(archive, "Thumbnails/thumbnail.png", _png(_thumbnail(self.merged)))

    def _stack(self, height: int, width: int) -> str:
        """The stack's description; its first layer is the uppermost."""
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<image version="{_VERSION}" w="{width}" h="{height}">',
            " <stack>",
        ]
        for number, layer in reversed(list(enumerate(self.layers))):
            visibility = "visible" if layer.visible else "hidden"
            lines.append(
                f'  <layer name={quoteattr(layer.name)} src="data/layer{number}.png" x="0" y="0" '
                f'opacity="1.0" visibility="{visibility}" composite-op="svg:src-over"/>'
            )
        return "\n".join([*lines, " </stack>", "</image>", ""])


def _add(
    archive: zipfile.ZipFile, name: str, content: bytes, compression: int = zipfile.ZIP_STORED
) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    encode([(picture, None)], "PNG", Options(), buffer, "a layer")
    return buffer.getvalue()


def _thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = min(1.0, _THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    return np.asarray(small)
