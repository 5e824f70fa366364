"""TIFF: which of a file's directories is the picture, and its samples at full depth.

Pillow parses the directories and, with libtiff, undoes the compression; how the bytes are to be
understood (depth, byte order, sense, planes, predictor, extra samples) is decided here, because
Pillow knows some of the combinations only and reads others in eight bits or as a negative.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from ..errors import InputError
from .decoded import Decoded, Model, Samples, of_pillow, straight, widened
from .formats import raw_refusal
from .limits import check_pixels
from .metadata import orientation_of
from .tiff_samples import READ_COMPRESSIONS, Layout, read_samples

__all__ = ["read_tiff", "tiff_exif", "tiff_outline"]

_LOG = logging.getLogger("colordeploy")
_MAXIMUM_DIRECTORIES = 10_000
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
(
    _SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER,
    _OFFSETS, _SAMPLES, _ROWS, _COUNTS, _X_RESOLUTION, _Y_RESOLUTION, _PLANAR, _UNIT, _PREDICTOR,
    _COLOR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _SUB_DIRECTORIES, _EXTRA,
    _FORMAT, _MAX_VALUE, _XMP, _ICC, _DNG_VERSION,
) = (
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322,
    323, 324, 325, 330, 338, 339, 281, 700, 34675, 50706,
)  # fmt: skip
_CFA = (32803, 34892)  # photometric interpretations of camera raw files
_MODELS: dict[int, Model] = {0: "gray", 1: "gray", 2: "rgb", 5: "cmyk", 8: "lab", 9: "lab"}
_COLORS: dict[Model, int] = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}


@dataclass(frozen=True)
class _Page:
    """One directory: its tags, where it lies, and its number in the chain (None of a sub-one)."""

    tags: TiffImagePlugin.ImageFileDirectory_v2
    offset: int
    number: int | None

    def get(self, tag: int, default: Any = None) -> Any:
        value = self.tags.get(tag, default)
        return value[0] if isinstance(value, tuple) and len(value) == 1 else value

    def many(self, tag: int) -> tuple[int, ...]:
        value = self.tags.get(tag, ())
        return tuple(value) if isinstance(value, tuple) else (value,)

    @property
    def size(self) -> tuple[int, int]:
        return int(self.get(_WIDTH, 0)), int(self.get(_HEIGHT, 0))

    @property
    def reduced(self) -> bool:
        return bool(int(self.get(_SUBFILE, 0)) & _REDUCED) or self.get(_OLD_SUBFILE) == 2

    @property
    def mask(self) -> bool:
        return bool(int(self.get(_SUBFILE, 0)) & _MASK)


def read_tiff(file: BinaryIO, name: str, page: int | None, max_pixels: int | None) -> Decoded:
    """Samples of one picture of a TIFF file.

    Parameters
    ----------
    file : binary file
    name : str
    page : int, optional
        From 1 on, thumbnails and masks not counted; by default the first.
    max_pixels : int, optional

    Raises
    ------
    InputError
    """
    pages = _pictures(_directories(file), name, file)
    number = 1 if page is None else page
    if not 1 <= number <= len(pages):
        raise InputError(f"{name} has {len(pages)} pages; there is no page {number}")
    chosen = pages[number - 1]
    width, height = chosen.size
    photometric = chosen.get(_PHOTOMETRIC, 1)
    bits = max(chosen.many(_BITS) or (1,))
    wide = int(chosen.get(_SAMPLES, 1)) * (3 if bits <= 8 else 8)
    check_pixels(width, height, name, max_pixels, wide)
    exif, xmp = _exif(file, chosen), _bytes(chosen.get(_XMP))
    if chosen.get(_COMPRESSION, 1) in READ_COMPRESSIONS and photometric != 6:
        found = _decode(file, chosen, name)
        found.orientation = orientation_of(exif, xmp)
    else:
        found = _by_pillow(file, chosen, name)
    found.exif, found.xmp = exif, xmp
    found.profile = _bytes(chosen.get(_ICC)) or None
    found.dpi, found.pages = _dpi(chosen), len(pages)
    return found


def tiff_outline(file: BinaryIO, name: str) -> tuple[int, int, int]:
    """Width and height of a TIFF's first picture, and the number of them; nothing is decoded."""
    pages = _pictures(_directories(file), name, file)
    return (*pages[0].size, len(pages))


def tiff_exif(file: BinaryIO) -> Image.Exif:
    """EXIF of a TIFF's first directory."""
    return _exif(file, _directories(file)[0])


def _directories(file: BinaryIO) -> list[_Page]:
    """Every directory of the main chain."""
    head = _head(file)
    start = TiffImagePlugin.ImageFileDirectory_v2(head)
    offset = start.next
    found: list[_Page] = []
    seen: set[int] = set()
    while offset and offset not in seen and len(found) < _MAXIMUM_DIRECTORIES:
        seen.add(offset)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        file.seek(offset)
        tags.load(file)
        found.append(_Page(tags, offset, len(found)))
        offset = tags.next
    return found


def _pictures(pages: list[_Page], name: str, file: BinaryIO) -> list[_Page]:
    """The directories that are pictures: no masks, and thumbnails only where there is no other."""
    if any(page.get(_PHOTOMETRIC) in _CFA or _DNG_VERSION in page.tags for page in pages):
        raise InputError(f"{name} {raw_refusal()}")
    real = [page for page in pages if not page.mask and min(page.size) > 0]
    full = [page for page in real if not page.reduced]
    if not full:
        full = [
            page for page in _sub_directories(file, pages) if not page.reduced and not page.mask
        ]
        if any(page.get(_PHOTOMETRIC) in _CFA for page in full):
            raise InputError(f"{name} {raw_refusal()}")
    if not full and real:
        full = [max(real, key=lambda page: page.size[0] * page.size[1])]
    if not full:
        raise InputError(f"{name} is damaged: it is a TIFF without a picture; save it again")
    largest = max(full, key=lambda page: page.size[0] * page.size[1])
    kept = [page for page in full if not _copy_of(page, largest)]
    if len(kept) < len(pages):
        _LOG.info("%s: %d thumbnails or masks passed over", name, len(pages) - len(kept))
    return kept


def _sub_directories(file: BinaryIO, pages: list[_Page]) -> list[_Page]:
    found, head = [], _head(file)
    for page in pages:
        for offset in page.many(_SUB_DIRECTORIES):
            tags = TiffImagePlugin.ImageFileDirectory_v2(head)
            file.seek(offset)
            tags.load(file)
            found.append(_Page(tags, offset, None))
    return found


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(16)
    return head if b"\x2b" in head[2:4] else head[:8]


def _copy_of(page: _Page, largest: _Page) -> bool:
    """Whether a page is a small copy of another that forgot to say so."""
    (width, height), (full_width, full_height) = page.size, largest.size
    same_shape = abs(width * full_height - height * full_width) <= 0.02 * width * full_height
    return same_shape and width * height * 9 <= full_width * full_height


def _layout(page: _Page, name: str) -> Layout:
    width, height = page.size
    bits = page.many(_BITS) or (1,)
    channels = int(page.get(_SAMPLES, len(bits)))
    kinds = page.many(_FORMAT) or (1,)
    if len(set(bits)) > 1 or len(set(kinds)) > 1:
        raise InputError(
            f"{name} is a TIFF whose channels have different depths ({bits}); save it with 8 or 16 "
            "bits a channel"
        )
    tiled = _TILE_OFFSETS in page.tags
    rows = int(page.get(_ROWS, height) or height)
    return Layout(
        width=width,
        height=height,
        channels=channels,
        bits=int(bits[0]),
        kind=int(kinds[0]),
        order="<" if page.tags.prefix == b"II" else ">",
        planar=page.get(_PLANAR, 1) == 2 and channels > 1,
        compression=int(page.get(_COMPRESSION, 1)),
        predictor=int(page.get(_PREDICTOR, 1)),
        reversed_bits=page.get(_FILL_ORDER, 1) == 2,
        offsets=page.many(_TILE_OFFSETS if tiled else _OFFSETS),
        counts=page.many(_TILE_COUNTS if tiled else _COUNTS),
        segment=(
            (int(page.get(_TILE_HEIGHT)), int(page.get(_TILE_WIDTH)))
            if tiled
            else (min(rows, height), width)
        ),
    )


def _decode(file: BinaryIO, page: _Page, name: str) -> Decoded:
    layout = _layout(page, name)
    photometric = int(page.get(_PHOTOMETRIC, 1))
    values = read_samples(file, layout, name)
    if photometric == 3:
        return _palette(values, page, name)
    model = _MODELS.get(photometric)
    if model is None or layout.channels < _COLORS[model]:
        raise InputError(
            f"{name} is a TIFF of a kind that is not read (photometric interpretation "
            f"{photometric}, {layout.channels} channels); save it as grey, RGB, CMYK or Lab"
        )
    maximum, extra = page.get(_MAX_VALUE), page.many(_EXTRA)
    color, rest = values, values[..., _COLORS[model] :]
    alpha: Samples | None = None
    if rest.shape[2]:
        if not extra or extra[0] in (1, 2, 999):
            alpha = _numbers(rest[..., 0].copy(), layout, None, name)
        color = np.ascontiguousarray(values[..., : _COLORS[model]])
    del values, rest
    if model == "lab":
        color = _lab(color, layout, photometric, name)
    else:
        color = _numbers(color[..., 0] if model == "gray" else color, layout, maximum, name)
        if photometric == 0:
            np.subtract(255 if color.dtype == np.uint8 else 1, color, out=color)
    if extra[:1] == (1,) and alpha is not None:
        color = straight(color, alpha)
    return Decoded(color, model, alpha)


def _numbers(values: NDArray[Any], layout: Layout, maximum: Any, name: str) -> Samples:
    """Samples as uint8, or float32 of which white is 1."""
    if layout.kind == 3:
        return values.astype(np.float32, copy=False)
    bits = layout.bits
    if layout.kind == 2:
        if values.size and values.min() < 0:
            raise InputError(
                f"{name} holds negative values (signed {bits}-bit integers from {values.min()}); "
                "save it with unsigned integers"
            )
        bits -= 1
    full, highest = (1 << bits) - 1, int(values.max(initial=0))
    if bits > 16:  # some writers have no smaller integers
        full = 255 if highest <= 255 else 65535 if highest <= 65535 else full
    elif isinstance(maximum, int) and 255 <= maximum < full and highest <= maximum:
        full = maximum  # 10 to 14 bits in words of 16
    if full == 255:
        return values.astype(np.uint8, copy=False)
    if full in (1, 3, 15):
        return values.astype(np.uint8) * np.uint8(255 // full)
    if values.dtype == np.uint16:
        return widened(values, full)
    return (values / np.float32(full)).astype(np.float32, copy=False)


def _lab(values: NDArray[Any], layout: Layout, photometric: int, name: str) -> Samples:
    """CIE Lab as ICC has it in 8 bits: L / 100, (a + 128) / 255, (b + 128) / 255."""
    if layout.bits not in (8, 16) or layout.kind == 3:
        raise InputError(f"{name} is Lab with {layout.bits}-bit samples; save it with 8 or 16 bits")
    signed = photometric == 8  # CIELab; ICCLab (9) is not
    if layout.bits == 8:
        eight: NDArray[np.uint8] = values.astype(np.uint8)
        if signed:
            eight[..., 1:] ^= 0x80
        return eight
    words = values.astype(np.uint16)
    found = words.astype(np.float32) / np.float32(65535 if signed else 65280)
    chroma = (
        words[..., 1:].view(np.int16) / np.float32(256) + 128 if signed else words[..., 1:] / 256
    )
    found[..., 1:] = chroma / np.float32(255)
    return found.clip(0, 1)


def _palette(values: NDArray[Any], page: _Page, name: str) -> Decoded:
    table = np.array(page.many(_COLOR_MAP), np.int64).reshape(3, -1).T
    if not len(table) or int(values[..., 0].max()) >= len(table):
        raise InputError(f"{name} is damaged: its palette has {len(table)} colours only")
    if (table % 257 == 0).all():
        colors: Any = (table // 257).astype(np.uint8)
    elif (table % 256 == 0).all():  # some writers shift
        colors = (table // 256).astype(np.uint8)
    elif table.max() <= 255:  # and some have no more than eight bits
        colors = table.astype(np.uint8)
    else:
        colors = (table / 65535).astype(np.float32)
    alpha: Samples | None = None
    if values.shape[2] > 1 and page.many(_EXTRA)[:1] in ((1,), (2,)):
        alpha = values[..., 1].astype(np.uint8)
        if colors.dtype != np.uint8:
            alpha = alpha.astype(np.float32) / np.float32(255)
    return Decoded(colors[values[..., 0]], "rgb", alpha)


def _by_pillow(file: BinaryIO, page: _Page, name: str) -> Decoded:
    """Compressions of whole pictures (JPEG, fax, WebP): eight bits at most."""
    if page.number is None:
        raise InputError(f"{name} is a TIFF whose picture lies in a sub-directory; save it again")
    file.seek(0)
    picture = TiffImagePlugin.TiffImageFile(file)
    picture.seek(page.number)
    picture.im = Image.new(picture.mode, picture._tile_size).im  # large ones were let pass above
    picture.load()
    found = of_pillow(picture, name)
    found.orientation = orientation_of(picture.getexif(), b"")  # most versions turn it at once
    return found


def _exif(file: BinaryIO, page: _Page) -> Image.Exif:
    exif = Image.Exif()
    exif.endian = "<" if page.tags.prefix == b"II" else ">"
    exif.bigtiff = page.tags._bigtiff
    exif.load_from_fp(file, page.offset)
    return exif


def _dpi(page: _Page) -> tuple[float, float] | None:
    scale = {2: 1.0, 3: 2.54}.get(page.get(_UNIT, 2))
    try:
        return float(page.get(_X_RESOLUTION)) * scale, float(page.get(_Y_RESOLUTION)) * scale  # type: ignore[operator]
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _bytes(value: Any) -> bytes:
    if isinstance(value, tuple):  # written as numbers
        return bytes(value)
    return value if isinstance(value, bytes) else b""
