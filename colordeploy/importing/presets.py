"""Interfaces of networks that people have, each read from the official code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """How a known network is fed.

    Attributes
    ----------
    inputs : tuple of tuples of str
        For each way in which it is exported, one for each input of the graph.
    output : str
        See `colordeploy.methods.imported.NetworkInterface`, inputs too.
    multiple : int
        Of which the sides must be, where the file leaves them free.
    working_size : int
        Short side that its authors use, where the file leaves it free.
    licence, source : str
        Of the official code; weights have whatever licence their maker gave them.
    """

    inputs: tuple[tuple[str, ...], ...]
    output: str
    multiple: int
    working_size: int
    licence: str
    source: str


PRESETS: Mapping[str, Preset] = {
    "ddcolor": Preset(
        (("rgb",),), "ab", 32, 512, "Apache-2.0",
        "github.com/piddnad/DDColor, ddcolor/pipeline.py: grey of the same L as RGB in [0, 1], CIE "
        "a and b out",
    ),
    "deoldify": Preset(
        (("rgb-imagenet",),), "rgb-imagenet", 32, 560, "MIT",
        "github.com/jantic/DeOldify, deoldify/filters.py: luma as RGB, normalized as for ImageNet, "
        "in and out; the chroma of the result is kept",
    ),
    "zhang-eccv16": Preset(
        (("l-100",),), "ab", 8, 256, "BSD-2-Clause",
        "github.com/richzhang/colorization, colorizers/eccv16.py: CIE L in, a and b out, both as "
        "they are (the network scales them itself)",
    ),
    "zhang-siggraph17": Preset(
        (("l-100", "ab", "marked"), ("l-100",)), "ab", 8, 256, "BSD-2-Clause",
        "github.com/richzhang/colorization, colorizers/siggraph17.py: CIE L, a and b of hints and "
        "their mask in, a and b out, all as they are; or exported with the lightness alone",
    ),
    "icolorit": Preset(
        (("l-half+ab-110", "unmarked/2"),), "ab-110/16", 16, 224, "MIT",
        "github.com/pmh9960/iColoriT, modeling.py and infer.py: (L - 50) / 100 with a 110th of the "
        "hints' a and b, a mask of cells of 2x2 pixels that is true where there is no hint; a "
        "110th of a and b out, in patches of 16x16 pixels",
    ),
}  # fmt: skip
