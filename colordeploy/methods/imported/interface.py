"""What an imported network wants and gives, as data in its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundle import Bundle
from ...errors import BundleError
from ...native.color import Space
from ...pictures.color import AB_BINS, chroma_of, lab_to_rgb, lightness_of_gray

__all__ = ["INPUTS", "LAYOUTS", "OUTPUTS", "NetworkInterface", "interface_of"]

LAYOUTS = ("NCHW", "NHWC")
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, sRGB in [0, 1]
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_TEMPERATURE = 0.38  # of the annealed mean (Zhang et al. 2016, Sec. 2.3)
_F32 = NDArray[np.float32]


def _gray_rgb(lightness: _F32, gray: _F32) -> _F32:
    return np.repeat(gray[..., None], 3, axis=2)


# From CIE L in [0, 100] and grey sRGB in [0, 1], (h, w) each, to (h, w, channels).
INPUTS: Mapping[str, Callable[[_F32, _F32], NDArray[Any]]] = {
    "l-100": lambda lightness, gray: lightness[..., None],
    "l-unit": lambda lightness, gray: (lightness[..., None] - 50) / 50,
    "l-half": lambda lightness, gray: (lightness[..., None] - 50) / 100,
    "y": lambda lightness, gray: gray[..., None],
    "rgb": _gray_rgb,
    "rgb-255": lambda lightness, gray: _gray_rgb(lightness, gray) * 255,
    "rgb-imagenet": lambda lightness, gray: (_gray_rgb(lightness, gray) - _MEAN) / _DEVIATION,
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


@dataclass(frozen=True)
class NetworkInterface:
    """How a picture goes into an imported network, and how chroma comes out.

    Attributes
    ----------
    input : str
        One of `INPUTS`: CIE L in [0, 100] ("l-100"), as (L - 50) / 50 or / 100 ("l-unit",
        "l-half"), luma in [0, 1] ("y"), or grey as RGB in [0, 1], in [0, 255] or normalized as for
        ImageNet.
    output : str
        One of `OUTPUTS`: CIE a and b, or a 110th or 128th of them, chroma U and V of BT.601,
        logits of the 313 bins of Zhang et al., or RGB as for the input, whose chroma is taken.
    layout : str
        "NCHW" or "NHWC", of both.
    side : int or None
        The only height and width it works at; None: any.
    multiple : int
        Of which sides must be whole multiples.
    """

    input: str
    output: str
    layout: str = "NCHW"
    side: int | None = None
    multiple: int = 1

    @property
    def space(self) -> Space:
        """Whether luma or CIE L is kept."""
        return OUTPUTS[self.output].space

    def encoded(self, lightness: _F32) -> _F32:
        """What the network is given for a plane (h, w) of the photo's working lightness.

        CIE L in [0, 100] where that is kept, else luma in [0, 1].
        """
        if self.space == "lab":
            lab = np.stack([lightness, np.zeros_like(lightness), np.zeros_like(lightness)], axis=-1)
            gray = np.clip(lab_to_rgb(lab)[..., 1], 0.0, 1.0)
        else:
            gray, lightness = lightness, lightness_of_gray(lightness)
        values = INPUTS[self.input](lightness, gray).astype(np.float32)
        if self.layout == "NCHW":
            values = np.moveaxis(values, -1, 0)
        return np.ascontiguousarray(values[None])

    def planes(self, found: NDArray[Any]) -> _F32:
        """The network's output as (h, w, channels) float32."""
        values = np.asarray(found[0], np.float32)
        return np.moveaxis(values, 0, -1) if self.layout == "NCHW" else values

    def chroma(self, found: NDArray[Any]) -> _F32:
        """Chroma (h, w, 2) of the network's output: CIE a and b, or U and V."""
        return OUTPUTS[self.output].chroma(self.planes(found)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it."""
        return asdict(self)


def interface_of(bundle: Bundle) -> NetworkInterface:
    """The interface that a bundle describes.

    Raises
    ------
    BundleError
        When it describes none that is known.
    """
    given = bundle.parameter("interface")
    try:
        interface = NetworkInterface(**given)
    except TypeError:
        raise BundleError(
            f"{bundle.path}: the parameter 'interface' is no description of a network: {given!r}; "
            "import the network again"
        ) from None
    for name, allowed in (("input", INPUTS), ("output", OUTPUTS), ("layout", LAYOUTS)):
        if getattr(interface, name) not in allowed:
            raise BundleError(
                f"{bundle.path}: interface {name} {getattr(interface, name)!r} is not known to "
                f"this version; it knows {', '.join(allowed)}"
            )
    sides = [interface.multiple, *([] if interface.side is None else [interface.side])]
    if any(isinstance(s, bool) or not isinstance(s, int) or s < 1 for s in sides):
        raise BundleError(
            f"{bundle.path}: interface side and multiple must be whole numbers of at least 1, not "
            f"{interface.side!r} and {interface.multiple!r}; import the network again"
        )
    return interface
