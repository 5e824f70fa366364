"""Formats of picture files: which are read, and what to do with those that are not.

What a file is, its first bytes tell; the suffix is only looked at to find pictures in a folder.
No other program is ever started to read one.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["READ_SUFFIXES", "Format", "format_of", "raw_refusal", "refusal"]

Format: TypeAlias = Literal["JPEG", "PNG", "TIFF", "WebP", "GIF", "BMP", "PNM", "AVIF", "HEIF"]

READ_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".tif", ".tiff", ".webp", ".gif", ".bmp",
     ".dib", ".pnm", ".pgm", ".ppm", ".pbm", ".pam", ".pfm", ".avif", ".heic", ".heif"}
)  # fmt: skip
READ_LIST = "JPEG, PNG, TIFF, WebP, GIF, BMP, PNM, AVIF and (with colordeploy[heif]) HEIC"

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
)
_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx mif1 msf1".split())
_RAW = "a camera's raw file: develop it (darktable, RawTherapee, the camera's own program) and save"
_RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
     ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw",
     ".x3f"}
)  # fmt: skip
# What other files begin with, and what to do with them.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF: save its pages"),
    (b"%!", "PostScript: save it"),
    (b"\xc5\xd0\xd3\xc6", "PostScript: save it"),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"IIU\0", _RAW),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"FOVb", _RAW),
    (b"\0MRM", _RAW),
    (b"\0\0\0\x18ftypcrx ", _RAW),
    (b"\xff\x0a", "JPEG XL: save it"),
    (b"\0\0\0\x0cJXL ", "JPEG XL: save it"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000: save it"),
    (b"\xff\x4f\xff\x51", "JPEG 2000: save it"),
    (b"8BPS", "a Photoshop document: save it"),
    (b"gimp xcf", "a GIMP document: export it"),
    (b"\x76\x2f\x31\x01", "OpenEXR: save it"),
    (b"#?RADIANCE", "Radiance HDR: save it"),
    (b"DDS ", "a texture: save it"),
    (b"\0\0\x01\0", "an icon: save it"),
    (b"SIMPLE  =", "FITS: save it"),
    (b"<svg", "SVG: export it"),
    (b"<?xml", "XML: export the picture"),
    (b"<!DOCTYPE", "a web page: save the picture itself"),
    (b"<html", "a web page: save the picture itself"),
    (b"PK\x03\x04", "a ZIP archive: unpack it, and save what is in it"),
    (b"\x1a\x45\xdf\xa3", "a video: save its frames"),
)


def format_of(head: bytes) -> Format | None:
    """Which of the formats that are read a file is in, by its first 64 bytes; None for others."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        brands = {head[i : i + 4] for i in range(8, min(len(head), 64), 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    if head[:1] == b"P" and head[1:2] in b"1234567fF" and head[2:3] in b" \t\r\n#":
        return "PNM"
    return None


def refusal(head: bytes, suffix: str) -> str:
    """Say what a file is that is not read, and what to do with it.

    Parameters
    ----------
    head : bytes
        Its first bytes.
    suffix : str
        Of its name, with the dot.
    """
    if not head:
        return "is empty (0 bytes)"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, what in _OTHERS:
        if text.startswith(magic) or head.startswith(magic):
            return f"is {what} as PNG, TIFF or JPEG"
    if head[4:8] == b"ftyp":
        return "is a video: save its frames as PNG or JPEG"
    if suffix.lower() in _RAW_SUFFIXES:
        return raw_refusal()
    return f"is not a picture that can be read; these are: {READ_LIST}"


def raw_refusal() -> str:
    """Say what to do with a camera's raw file that is built like a TIFF."""
    return f"is {_RAW} as 16-bit TIFF or PNG"
