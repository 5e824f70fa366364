"""Pictures of known structure, and what an interface's description cannot be right about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..methods.imported import Hints, NetworkInterface
from ..pictures.color import lab_of, lightness_of, luma_of
from ..pictures.geometry import resize

__all__ = ["SURE", "Probe", "Runner", "faults", "probes", "squared_distance", "true_hints"]

_F32 = NDArray[np.float32]
Runner: TypeAlias = "Callable[[list[NDArray[Any]]], NDArray[Any]]"
"""From a network's inputs, in its order, to its output."""
_SCALED, _BEYOND = 1.5, 200.0  # chroma in CIE units is neither smaller in all pictures nor larger
_FLAT = 1e-6
SURE = 0.75  # of the error of one reading, and of no colour, for the other to be the right one


@dataclass(frozen=True, eq=False)
class Probe:
    """A picture in colour, and what the network makes of it.

    Attributes
    ----------
    name : str
    rgb : (h, w, 3) float32 in [0, 1]
    lightness : (h, w) float32
        CIE L in [0, 100], or luma in [0, 1], as the network's photos are read.
    given : list of arrays
        The network's inputs.
    found : array
        Its output.
    """

    name: str
    rgb: _F32
    lightness: _F32
    given: list[NDArray[Any]]
    found: NDArray[Any]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.lightness.shape[0], self.lightness.shape[1]


def _pictures(size: tuple[int, int]) -> Mapping[str, _F32]:
    height, width = size
    ramp = np.repeat(np.linspace(0, 1, width, dtype=np.float32)[None], height, axis=0)
    levels = np.array([0.15, 0.5, 0.85], np.float32)
    chart = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(3, 9, 3)
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 9 // width
    with Image.open(Path(__file__).parent / "osprey.jpg") as photo:
        values = np.asarray(photo.convert("RGB"), np.float32) / 255
    return {
        "ramp": np.repeat(ramp[..., None], 3, axis=2),
        "photo": np.clip(resize(values, size), 0.0, 1.0),
        "chart": chart[rows][:, columns],
    }


def probes(interface: NetworkInterface, size: tuple[int, int], run: Runner) -> list[Probe]:
    """Run a network on a ramp of grey, a photograph and a colour chart.

    Where it takes hints, the chart has some in its own colours, the others none.
    """
    made = []
    for name, rgb in _pictures(size).items():
        light = lightness_of(rgb) if interface.space == "lab" else luma_of(rgb)
        hints = true_hints(rgb) if name == "chart" else None
        given = interface.encoded(light, hints)
        made.append(Probe(name, rgb, light, given, run(given)))
    return made


def true_hints(rgb: _F32, step: int = 16) -> Hints:
    """Sparse hints, each of 2x2 pixels, in a picture's own colours."""
    rows, columns = (np.arange(side) % step // 2 == step // 4 for side in rgb.shape[:2])
    marked = rows[:, None] & columns
    return Hints(np.where(marked[..., None], lab_of(rgb)[..., 1:], np.float32(0)), marked)


def faults(
    interface: NetworkInterface, made: list[Probe], of_hints: Callable[[], str | None]
) -> str | None:
    """The first reason why a description cannot be right; None when there is none.

    Parameters
    ----------
    interface : NetworkInterface
    made : list of Probe
    of_hints : callable
        The same for what is said of hints; asked early where there are some, for a mask described
        wrongly spoils the colours without hints, too.
    """

    def hints(interface: NetworkInterface, made: list[Probe]) -> str | None:
        return of_hints()

    rest = (_order, hints, _range, _lightness) if interface.hints else (_range, _lightness, _order)
    for check in (_shape, _finite, _constant, *rest):
        reason: str | None = check(interface, made)
        if reason is not None:
            return reason
    return None


def _shape(interface: NetworkInterface, made: list[Probe]) -> str | None:
    form = interface.output_form
    for probe in made:
        shape, layout = probe.found.shape, interface.layout
        if form.holds(shape, layout, probe.size):
            continue
        if form.patch is not None:
            return (
                f"the output has shape {shape}, and {interface.output!r} has "
                f"{form.shape(layout, probe.size)} for {probe.size[0]}x{probe.size[1]} pixels"
            )
        other = "NHWC" if layout == "NCHW" else "NCHW"
        fits = form.holds(shape, other, probe.size)
        return (
            f"the output has shape {shape}, and {interface.output!r} in {layout} is one picture of "
            f"{form.output.channels} channels" + (f"; it fits layout {other}" if fits else "")
        )
    return None


def _finite(interface: NetworkInterface, made: list[Probe]) -> str | None:
    for probe in made:
        if not np.isfinite(probe.found).all():
            return f"the output for the {probe.name} holds NaN or infinite values"
    return None


def _constant(interface: NetworkInterface, made: list[Probe]) -> str | None:
    chroma = [interface.chroma(probe.found, probe.size) for probe in made]
    largest = max(float(np.abs(values).max()) for values in chroma)
    spread = max(float(np.ptp(values, axis=(0, 1)).max()) for values in chroma)
    if spread <= _FLAT * max(largest, 1.0):
        return "the chroma is the same everywhere in every picture: the network sees nothing"
    return None


def _range(interface: NetworkInterface, made: list[Probe]) -> str | None:
    kind = interface.output_form.output
    if kind.rgb is not None:
        rgb = np.concatenate([kind.rgb(interface.planes(p.found, p.size)).ravel() for p in made])
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
    # Hints, which the chart has, may be scaled wrongly, which `hint_faults` finds.
    own = [probe for probe in made if not (interface.hints and probe.name == "chart")]
    largest = max(float(np.abs(interface.chroma(probe.found, probe.size)).max()) for probe in own)
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
    kind = interface.output_form.output
    if kind.rgb is None:
        return None
    for probe in made:
        if probe.name == "chart":
            continue
        rgb = np.clip(kind.rgb(interface.planes(probe.found, probe.size)), 0, 1)
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
    kind = interface.output_form.output
    photo = next(probe for probe in made if probe.name == "photo")
    planes = interface.planes(photo.found, photo.size)
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
    right, wrong, gray = (
        squared_distance(ab, truth) for ab in (as_read, exchanged, np.zeros_like(truth))
    )
    if wrong < SURE * min(right, gray):
        return (
            f"the colours of the photo are nearer to the true ones with its channels exchanged "
            f"(mean squared distance {wrong:.0f} instead of {right:.0f}): {words}"
        )
    return None


def squared_distance(ab: _F32, truth: _F32, where: NDArray[np.bool_] | None = None) -> float:
    """Mean squared distance of CIE a and b from the true ones (h, w, 2), at the former's size.

    Parameters
    ----------
    where : (h, w) bool, optional
        Pixels that count, all by default.
    """
    shape = ab.shape[0], ab.shape[1]
    squares = np.square(ab - resize(truth, shape)).sum(axis=2)
    if where is None:
        return float(squares.mean())
    weights = np.clip(resize(where.astype(np.float32), shape), 0, 1)
    return float(np.average(squares, weights=weights))
