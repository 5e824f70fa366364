"""Whether hints reach a network as described: told the true colours it comes nearer to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..methods.imported import Hints, NetworkInterface
from ..pictures.color import lab_of
from .probes import SURE, Probe, Runner, squared_distance, true_hints

__all__ = ["hint_faults"]

_UNHEEDED = 1e-4  # of the largest chroma: a smaller change is none
_COLORS = ("ab", "ab-110", "ab-128")
_MASKS = ("marked", "unmarked")


def hint_faults(interface: NetworkInterface, made: list[Probe], run: Runner) -> str | None:
    """Why a description of hints cannot be right; None when there is no reason.

    The network gets sparse hints in the photo's own colours, as described and in the ways that
    descriptions go wrong, and what it makes of them is looked at where they are. Weights that know
    nothing of photos pass.

    Parameters
    ----------
    interface : NetworkInterface
    made : list of Probe
        With the photo, without hints.
    run : callable
    """
    photo = next(probe for probe in made if probe.name == "photo")
    truth, told = lab_of(photo.rgb)[..., 1:], true_hints(photo.rgb)

    def colored(other: NetworkInterface, hints: Hints) -> np.ndarray:
        return interface.chroma(run(other.encoded(photo.lightness, hints)), photo.size)

    without = interface.chroma(photo.found, photo.size)
    described = colored(interface, told)
    if float(np.abs(described - without).max()) <= _UNHEEDED * float(np.abs(without).max()):
        return (
            "hints change nothing: the inputs are in another order, or the mask is described "
            "wrongly (marked, unmarked)"
        )
    if interface.space != "lab":
        return None
    error, own, gray = (
        squared_distance(ab, truth, told.marked)
        for ab in (described, without, np.zeros_like(without))
    )
    least = SURE * min(error, own, gray)
    for words, other, hints in _readings(interface, told):
        found = squared_distance(colored(other, hints), truth, told.marked)
        if found < least:
            return (
                f"told the photo's own colours the network comes nearer to them with {words} "
                f"(mean squared distance {found:.0f} instead of {error:.0f})"
            )
    return None


def _readings(
    interface: NetworkInterface, told: Hints
) -> Iterator[tuple[str, NetworkInterface, Hints]]:
    """Other descriptions of the hints, in words and as they would be given."""
    yield "a and b of hints exchanged", interface, replace(told, ab=told.ab[..., ::-1])
    names = {name for form in interface.input_forms for name in form.planes}
    for kinds, what in ((_COLORS, "the colours"), (_MASKS, "the mask")):
        for before in kinds:
            for after in kinds:
                if before in names and after != before:
                    inputs = tuple(_exchanged(t, before, after) for t in interface.inputs)
                    yield f"{what} of hints as {after!r}", replace(interface, inputs=inputs), told


def _exchanged(text: str, before: str, after: str) -> str:
    """An input's description with one plane for another."""
    names, slash, cell = text.partition("/")
    return "+".join(after if n == before else n for n in names.split("+")) + slash + cell
