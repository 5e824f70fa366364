"""Pictures of known structure, and what an interface's description cannot be right about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..methods.imported import OUTPUTS, NetworkInterface
from ..pictures.color import lab_of, lightness_of, luma_of
from ..pictures.geometry import resize

__all__ = ["Probe", "faults", "probes"]

_F32 = NDArray[np.float32]
_SCALED, _BEYOND = 1.5, 200.0  # chroma in CIE units is neither smaller in all pictures nor larger
_FLAT = 1e-6
_SURE = 0.75  # of the error of one reading, for the other to be the right one


@dataclass(frozen=True, eq=False)
class Probe:
    """A picture in colour, and what the network makes of it.

    Attributes
    ----------
    name : str
    rgb : (h, w, 3) float32 in [0, 1]
    given : array
        The network's input.
    found : array
        Its output.
    """

    name: str
    rgb: _F32
    given: NDArray[Any]
    found: NDArray[Any]


def _pictures(side: int) -> Mapping[str, _F32]:
    ramp = np.repeat(np.linspace(0, 1, side, dtype=np.float32)[None], side, axis=0)
    levels = np.array([0.15, 0.5, 0.85], np.float32)
    chart = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(3, 9, 3)
    rows, columns = np.arange(side) * 3 // side, np.arange(side) * 9 // side
    with Image.open(Path(__file__).parent / "osprey.jpg") as photo:
        values = np.asarray(photo.convert("RGB"), np.float32) / 255
    return {
        "ramp": np.repeat(ramp[..., None], 3, axis=2),
        "photo": np.clip(resize(values, (side, side)), 0.0, 1.0),
        "chart": chart[rows][:, columns],
    }


def probes(
    interface: NetworkInterface, side: int, run: Callable[[NDArray[Any]], NDArray[Any]]
) -> list[Probe]:
    """Run a network on a ramp of grey, a photograph and a colour chart."""
    made = []
    for name, rgb in _pictures(side).items():
        light = lightness_of(rgb) if interface.space == "lab" else luma_of(rgb)
        given = interface.encoded(light)
        made.append(Probe(name, rgb, given, run(given)))
    return made


def faults(interface: NetworkInterface, made: list[Probe]) -> str | None:
    """The first reason why a description cannot be right; None when there is none."""
    for check in (_shape, _finite, _constant, _range, _lightness, _order):
        reason = check(interface, made)
        if reason is not None:
            return reason
    return None


def _shape(interface: NetworkInterface, made: list[Probe]) -> str | None:
    kind = OUTPUTS[interface.output]
    for probe in made:
        if probe.found.ndim != 4 or interface.planes(probe.found).shape[2] != kind.channels:
            other = "NHWC" if interface.layout == "NCHW" else "NCHW"
            axis = 1 if other == "NCHW" else 3
            fits = probe.found.ndim == 4 and probe.found.shape[axis] == kind.channels
            return (
                f"the output has shape {probe.found.shape}, and {interface.output!r} in "
                f"{interface.layout} has {kind.channels} channels"
                + (f"; it fits layout {other}" if fits else "")
            )
    return None


def _finite(interface: NetworkInterface, made: list[Probe]) -> str | None:
    for probe in made:
        if not np.isfinite(probe.found).all():
            return f"the output for the {probe.name} holds NaN or infinite values"
    return None


def _constant(interface: NetworkInterface, made: list[Probe]) -> str | None:
    chroma = [interface.chroma(probe.found) for probe in made]
    largest = max(float(np.abs(values).max()) for values in chroma)
    spread = max(float(np.ptp(values, axis=(0, 1)).max()) for values in chroma)
    if spread <= _FLAT * max(largest, 1.0):
        return "the chroma is the same everywhere in every picture: the network sees nothing"
    return None


def _range(interface: NetworkInterface, made: list[Probe]) -> str | None:
    kind = OUTPUTS[interface.output]
    if kind.rgb is not None:
        rgb = np.concatenate([kind.rgb(interface.planes(p.found)).ravel() for p in made])
        low, high = float(np.percentile(rgb, 1)), float(np.percentile(rgb, 99))
        if high > 3 or low < -2:
            return (
                f"read as {interface.output!r} the RGB reaches from {low:.3g} to {high:.3g}, not "
                "from 0 to 1: it is probably in 0..255, or normalized"
            )
        if high - low < 0.05:
            return (
                f"read as {interface.output!r} the RGB reaches from {low:.3g} to {high:.3g} only, "
                "where black and white went in: it is probably in 0..1"
            )
        return None
    largest = max(float(np.abs(interface.chroma(probe.found)).max()) for probe in made)
    limits = (_SCALED, _BEYOND) if kind.space == "lab" else (0.01, 2.0)
    if largest < limits[0]:
        return (
            f"read as {interface.output!r} no chroma is above {largest:.3g}, so nothing would have "
            "any colour: the output is probably scaled (ab-110, ab-128)"
        )
    if largest > limits[1]:
        return (
            f"read as {interface.output!r} the chroma reaches {largest:.4g}, which is no colour: "
            "the output is probably in CIE units already"
        )
    return None


def _lightness(interface: NetworkInterface, made: list[Probe]) -> str | None:
    kind = OUTPUTS[interface.output]
    if kind.rgb is None:
        return None
    for probe in made:
        if probe.name == "chart":
            continue
        rgb = np.clip(kind.rgb(interface.planes(probe.found)), 0, 1)
        seen, wanted = luma_of(rgb), resize(luma_of(probe.rgb), rgb.shape[:2])
        likeness = float(np.corrcoef(seen.ravel(), wanted.ravel())[0, 1])
        if not likeness > 0.5:
            return (
                f"the luminance of the result for the {probe.name} has a correlation of "
                f"{likeness:.2f} with that of the picture: input or output is described wrongly"
            )
    return None


def _order(interface: NetworkInterface, made: list[Probe]) -> str | None:
    """Exchanged channels: the photo's true colours are known, and one reading is much nearer."""
    kind = OUTPUTS[interface.output]
    photo = next(probe for probe in made if probe.name == "photo")
    planes = interface.planes(photo.found)
    truth = lab_of(photo.rgb)[..., 1:]
    if kind.rgb is not None:
        as_read = lab_of(np.clip(kind.rgb(planes), 0, 1))[..., 1:]
        exchanged = lab_of(np.clip(kind.rgb(planes)[..., ::-1], 0, 1))[..., 1:]
        words = "RGB taken for BGR, or the other way"
    elif kind.channels == 2 and kind.space == "lab":
        as_read = kind.chroma(planes)
        exchanged = as_read[..., ::-1]
        words = "a and b exchanged"
    else:
        return None
    truth = resize(truth, as_read.shape[:2])

    def error(ab: _F32) -> float:
        return float(np.square(ab - truth).sum(axis=2).mean())

    right, wrong, gray = error(as_read), error(exchanged), float(np.square(truth).sum(2).mean())
    if wrong < _SURE * right and wrong < gray:
        return (
            f"the colours of the photo are nearer to the true ones with its channels exchanged "
            f"(mean squared distance {wrong:.0f} instead of {right:.0f}): {words}"
        )
    return None
