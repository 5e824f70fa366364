"""What the tensors of imported networks are made of: one table for inputs, one for outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...native.color import Space
from ...pictures.color import AB_BINS, chroma_of

__all__ = ["INPUTS", "OUTPUTS", "Output", "Plane", "Seen"]

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, sRGB in [0, 1]
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_TEMPERATURE = 0.38  # of the annealed mean (Zhang et al. 2016, Sec. 2.3)
_F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network may be shown of a picture.

    Attributes
    ----------
    lightness : (h, w) float32
        CIE L in [0, 100].
    gray : (h, w) float32
        The same as sRGB grey, or luma, in [0, 1].
    ab : (h, w, 2) float32
        CIE a and b of hints; 0 where there is none.
    marked : (h, w) bool
        Where there are hints.
    """

    lightness: _F32
    gray: _F32
    ab: _F32
    marked: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Plane:
    """Some channels of an input."""

    channels: int
    of: Callable[[Seen], NDArray[np.floating]]  # (h, w, channels)
    hint: bool = False


def _rgb(seen: Seen) -> _F32:
    return np.repeat(seen.gray[..., None], 3, axis=2)


INPUTS: Mapping[str, Plane] = {
    "l-100": Plane(1, lambda seen: seen.lightness[..., None]),
    "l-unit": Plane(1, lambda seen: (seen.lightness[..., None] - 50) / 50),
    "l-half": Plane(1, lambda seen: (seen.lightness[..., None] - 50) / 100),
    "y": Plane(1, lambda seen: seen.gray[..., None]),
    "rgb": Plane(3, _rgb),
    "rgb-255": Plane(3, lambda seen: _rgb(seen) * 255),
    "rgb-imagenet": Plane(3, lambda seen: (_rgb(seen) - _MEAN) / _DEVIATION),
    "ab": Plane(2, lambda seen: seen.ab, hint=True),
    "ab-110": Plane(2, lambda seen: seen.ab / 110, hint=True),
    "ab-128": Plane(2, lambda seen: seen.ab / 128, hint=True),
    "marked": Plane(1, lambda seen: seen.marked[..., None].astype(np.float32), hint=True),
    "unmarked": Plane(1, lambda seen: 1 - seen.marked[..., None].astype(np.float32), hint=True),
}


def _annealed(logits: _F32) -> _F32:
    scaled = (logits - logits.max(axis=2, keepdims=True)) / np.float32(_TEMPERATURE)
    likely = np.exp(scaled)
    likely /= likely.sum(axis=2, keepdims=True)
    mean: _F32 = likely @ AB_BINS.astype(np.float32)
    return mean


@dataclass(frozen=True)
class Output:
    """A kind of output: its channels, the space of its chroma, and how to read it."""

    channels: int
    space: Space
    chroma: Callable[[_F32], _F32]  # (h, w, channels) to (h, w, 2)
    rgb: Callable[[_F32], _F32] | None = None  # to sRGB in [0, 1], for those that have lightness


def _of_rgb(rgb: Callable[[_F32], _F32]) -> Output:
    return Output(3, "luma", lambda found: chroma_of(np.clip(rgb(found), 0.0, 1.0)), rgb)


OUTPUTS: Mapping[str, Output] = {
    "ab": Output(2, "lab", lambda found: found),
    "ab-110": Output(2, "lab", lambda found: found * np.float32(110)),
    "ab-128": Output(2, "lab", lambda found: found * np.float32(128)),
    "uv": Output(2, "luma", lambda found: found),
    "bins-313": Output(313, "lab", _annealed),
    "rgb": _of_rgb(lambda found: found),
    "rgb-255": _of_rgb(lambda found: found / np.float32(255)),
    "rgb-imagenet": _of_rgb(lambda found: found * _DEVIATION + _MEAN),
}
