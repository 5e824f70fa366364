"""Guidance as clients describe it (JSON), turned into what ``render`` takes; never a path."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..methods.automatic.anchors import Anchor
from ..pictures.strokes import Stroke
from .store import HeldCanvas

__all__ = ["Arguments", "arguments_of", "describe", "describe_anchor", "number_of", "points_of"]

Arguments = dict[str, Any]  # of a canvas's ``render``

_MAXIMUM_STROKES, _MAXIMUM_POINTS, _MAXIMUM_ANCHORS = 5000, 200_000, 500
_MAXIMUM_DEPTH = 64  # of mixtures


def arguments_of(held: HeldCanvas, guidance: Any, reference_of: Callable[[str], Any]) -> Arguments:
    """Keyword arguments of ``render`` for a description of guidance.

    Parameters
    ----------
    held : HeldCanvas
    guidance : object of JSON
        ``{"strokes": [{"points": [[y, x], ...], "color": "#rrggbb", "width": 12}]}``,
        ``{"anchors": [{"y": .., "x": .., "ab": [a, b]}], "sample": 0}``,
        ``{"reference": picture}``, ``{"style": seed or numbers, "hints": [strokes]}``.
    reference_of : callable
        From a picture's name to an encoded example.

    Raises
    ------
    InputError
        For whatever is not of that form.
    """
    if not isinstance(guidance, dict):
        raise InputError(f"guidance must be an object, not {type(guidance).__name__}")
    return _FORMS[held.command](held, dict(guidance), reference_of)


def describe(held: HeldCanvas) -> dict[str, Any]:
    """What a client needs to know of a canvas."""
    canvas = held.canvas
    said: dict[str, Any] = {
        "id": held.id,
        "picture": held.source.id,
        "model": held.model,
        "tool": held.command,
        "height": canvas.size[0],
        "width": canvas.size[1],
        "working_size": list(canvas.working_size),
        "bytes": held.nbytes,
    }
    if held.command == "auto":
        said["anchors"] = [describe_anchor(anchor) for anchor in canvas.anchors]
    if held.command == "sketch":
        said["style"] = [round(float(value), 5) for value in canvas.style]
    return said


def describe_anchor(anchor: Anchor) -> dict[str, Any]:
    """An anchor with its candidates, their probabilities and colours."""
    return {
        "y": anchor.y,
        "x": anchor.x,
        "ab": list(anchor.ab),
        "color": list(anchor.color),
        "lightness": anchor.lightness,
        "candidates": [
            {"ab": list(ab), "probability": round(probability, 5), "color": list(color)}
            for (ab, probability), color in zip(
                anchor.candidates, anchor.candidate_colors, strict=True
            )
        ],
    }


def _strokes(held: HeldCanvas, guidance: dict[str, Any], _: Any) -> dict[str, Any]:
    found = _strokes_of(guidance.pop("strokes", None), "strokes")
    _no_more(guidance, "strokes")
    return {"strokes": found}


def _strokes_of(given: Any, name: str) -> list[Stroke]:
    if not isinstance(given, list) or len(given) > _MAXIMUM_STROKES:
        raise InputError(f"{name} must be a list of at most {_MAXIMUM_STROKES} strokes")
    strokes, points = [], 0
    for one in given:
        if not isinstance(one, dict) or set(one) - {"points", "color", "width"}:
            raise InputError(f"a stroke has points, color and width; got {one!r:.80}")
        corners = points_of(one.get("points"), "a stroke's points", _MAXIMUM_POINTS)
        points += len(corners)
        color, width = one.get("color", "#ff0000"), one.get("width", 3)
        if not isinstance(color, str) or not _finite(width):
            raise InputError("a stroke's color is a CSS colour, its width a number of pixels")
        strokes.append(Stroke(corners, color, max(1.0, width)))
    if points > _MAXIMUM_POINTS:
        raise InputError(f"{name} have {points} points; at most {_MAXIMUM_POINTS} are allowed")
    return strokes


def points_of(given: Any, name: str, most: int) -> list[tuple[float, float]]:
    """Positions from JSON; InputError for whatever is no list of pairs."""
    if not isinstance(given, list) or not all(
        isinstance(p, list) and len(p) == 2 and all(map(_finite, p)) for p in given
    ):
        raise InputError(f"{name} are a list of [y, x] pairs of numbers")
    if len(given) > most:
        raise InputError(f"{name} are {len(given)}; at most {most} are allowed")
    return [(p[0], p[1]) for p in given]


def number_of(given: Any, name: str) -> float:
    """A number from a query; InputError for whatever is none."""
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise InputError(f"{name} is missing, or no number") from None
    if not _finite(number):
        raise InputError(f"{name} is no position in a picture")
    return number


def _anchors(held: HeldCanvas, guidance: dict[str, Any], _: Any) -> dict[str, Any]:
    given, sample = guidance.pop("anchors", None), guidance.pop("sample", 0)
    _no_more(guidance, "anchors and sample")
    if given is None:
        return {"sample": sample}
    if not isinstance(given, list) or len(given) > _MAXIMUM_ANCHORS:
        raise InputError(f"anchors must be null or a list of at most {_MAXIMUM_ANCHORS} anchors")
    anchors = []
    for one in given:
        if not isinstance(one, dict) or not _finite(one.get("y")) or not _finite(one.get("x")):
            raise InputError(f"an anchor has y, x and ab; got {one!r:.80}")
        anchor = Anchor(one["y"], one["x"], (0.0, 0.0))
        ab = one.get("ab")
        if not isinstance(ab, list) or len(ab) != 2 or not all(map(_finite, ab)):
            raise InputError("an anchor's ab is a pair of numbers, CIE a and b")
        anchors.append(replace(anchor, ab=(ab[0], ab[1])))
    return {"anchors": anchors}


def _reference(
    held: HeldCanvas, guidance: dict[str, Any], reference_of: Callable[[str], Any]
) -> dict[str, Any]:
    name = guidance.pop("reference", None)
    _no_more(guidance, "reference")
    if not isinstance(name, str):
        raise InputError("reference must be the name of a picture of this service")
    return {"reference": reference_of(name)}


def _style(held: HeldCanvas, guidance: dict[str, Any], _: Any) -> dict[str, Any]:
    style, flat = guidance.pop("style", None), guidance.pop("flat", False)
    if isinstance(style, dict):
        style = _between(held, style)
    found: dict[str, Any] = {"style": style, "flat": bool(flat)}
    if (hints := guidance.pop("hints", None)) is not None:
        found["hints"] = _strokes_of(hints, "hints") or None
    _no_more(guidance, "style, flat and hints")
    if isinstance(style, list) and not (len(style) <= 4096 and all(map(_finite, style))):
        raise InputError("a style is null, a seed, or a list of numbers")
    if not isinstance(style, (int, list, type(None))) and style != "hints":
        raise InputError(f"a style is null, a seed, or a list of numbers, not {style!r:.60}")
    return found


def _between(held: HeldCanvas, mixture: dict[str, Any], depth: int = 0) -> list[float]:
    """A style between two others, which may be mixtures themselves: share 0 is the first."""
    if depth == _MAXIMUM_DEPTH:
        raise InputError(f"a style is mixed of mixtures {_MAXIMUM_DEPTH} deep; pick one anew")
    share: Any = mixture.get("share")
    if set(mixture) != {"from", "to", "share"} or not _finite(share) or not 0 <= share <= 1:
        raise InputError(f"a mixture of styles has from, to and a share in [0, 1]; got {mixture}")
    codes = [_code(held, mixture[end], depth + 1) for end in ("from", "to")]
    return [(1 - share) * a + share * b for a, b in zip(*codes, strict=True)]


def _code(held: HeldCanvas, style: Any, depth: int) -> list[float]:
    own = [float(value) for value in held.canvas.style]
    if style is None:
        return own
    if isinstance(style, list) and len(style) == len(own) and all(map(_finite, style)):
        return [float(value) for value in style]
    if isinstance(style, dict):
        return _between(held, style, depth)
    return [float(value) for value in held.canvas.random_style(style)]


_FORMS: dict[str, Callable[[HeldCanvas, dict[str, Any], Any], dict[str, Any]]] = {
    "scribble": _strokes,
    "auto": _anchors,
    "exemplar": _reference,
    "sketch": _style,
}


def _finite(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < 1e9 and math.isfinite(value)


def _no_more(guidance: dict[str, Any], allowed: str) -> None:
    if guidance:
        raise InputError(f"this canvas takes {allowed}, not {', '.join(map(str, guidance))}")
