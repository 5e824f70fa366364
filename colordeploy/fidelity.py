"""What another precision or device does to real pictures: whole results against float32's."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .bundle import Bundle
from .color import lab_of
from .errors import BackendError, InputError
from .image import ImageLike, read_picture
from .models import model_of
from .runtime.graph import Target
from .runtime.precision import halved
from .strokes import Stroke

__all__ = ["MOST_MEAN_ERROR", "Fidelity", "fidelity"]

MOST_MEAN_ERROR = 1.0  # ab units
_LONGEST = 1024  # pixels; larger pictures are reduced to it
_STROKES = 4  # a side of the grid of strokes


@dataclass(frozen=True)
class Fidelity:
    """How far results are from those in float32.

    Attributes
    ----------
    pictures : int
    largest, mean : float
        Distance in ab, of the worst pixel and over all.
    psnr : float
        In dB, of the pictures, at most 100.
    """

    pictures: int
    largest: float
    mean: float
    psnr: float

    def __str__(self) -> str:
        return (
            f"{self.pictures} pictures: off by {self.mean:.3f} ab on average, {self.largest:.1f} "
            f"at most, PSNR {self.psnr:.1f} dB"
        )


class _Halved(Bundle):
    """A bundle whose graphs are rounded as a precision would round them."""

    precision = "fp16"

    def graph(self, name: str) -> bytes:
        return halved(super().graph(name), self.precision, self.kept_layers(name), simulate=True)


def fidelity(
    bundle: Bundle, precision: str, pictures: Sequence[ImageLike], target: Target | None = None
) -> Fidelity:
    """Colour pictures in float32 and in another way, with guidance made of themselves.

    Strokes in all hues, the mirrored picture as the reference, the predicted style. Choices that
    may flip with the last digit are those of float32 for both: anchors, and which places of the
    reference are looked at.

    Parameters
    ----------
    precision : {"fp16", "bf16"}
    pictures : sequence of path, PIL image or array
        In colour for models that take a reference.
    target : Target, optional
        Where to run the graphs for comparison. None simulates half precision on the CPU, for GPUs
        that are not here.

    Raises
    ------
    InputError
        Without pictures.
    BackendError
        When the mean error is past `MOST_MEAN_ERROR`.
    """
    if not pictures:
        raise InputError("there are no pictures to check the precision on")
    plain = Target(backend="onnxruntime", device="cpu")
    rounded = bundle
    if target is None:
        rounded, target = _Halved(bundle.path), plain
        rounded.precision = precision
    errors, squares = [], []
    largest = 0.0
    with model_of(bundle, plain) as exact, model_of(rounded, target) as half:
        for given in pictures:
            picture = _reduced(given)
            wanted, found = _colored_twice(exact, half, picture)
            labs = [lab_of(p.astype(np.float32) / 255)[..., 1:] for p in (wanted, found)]
            distance = np.linalg.norm(labs[0] - labs[1], axis=-1)
            largest = max(largest, float(distance.max()))
            errors.append(float(distance.mean()))
            squares.append(float(np.square((wanted.astype(np.float32) - found) / 255).mean()))
    result = Fidelity(
        len(errors),
        largest,
        float(np.mean(errors)),
        -10 * float(np.log10(max(float(np.mean(squares)), 1e-10))),
    )
    if result.mean > MOST_MEAN_ERROR:
        raise BackendError(
            f"{bundle.manifest.name} in {precision} is off by {result.mean:.2f} ab on average "
            f"(allowed: {MOST_MEAN_ERROR:g}); use another precision, or keep layers in float32 "
            "(parameter keep_fp32)"
        )
    return result


def _reduced(given: ImageLike) -> NDArray[np.uint8]:
    values = read_picture(given)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    picture = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
    picture.thumbnail((_LONGEST, _LONGEST))
    return np.asarray(picture)


def _colored_twice(
    exact: Any, half: Any, picture: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    canvases = [model.prepare(picture) for model in (exact, half)]
    guidance: list[Any] = [None, None]
    if exact.method == "lga":
        guidance = [_strokes(picture.shape[0], picture.shape[1])] * 2
    elif exact.method == "disco":
        guidance = [canvases[0].anchors] * 2
    elif exact.method == "sscn":
        other = np.ascontiguousarray(picture[:, ::-1])
        first, second = (model.encode_reference(other) for model in (exact, half))
        guidance = [first, replace(second, activation=first.activation)]
    wanted, found = (c.render(g) for c, g in zip(canvases, guidance, strict=True))
    return wanted, found


def _strokes(height: int, width: int) -> list[Stroke]:
    """A grid of short strokes of all hues."""
    strokes = []
    count = _STROKES * _STROKES
    for i in range(count):
        y = (i // _STROKES + 0.5) * height / _STROKES
        x = (i % _STROKES + 0.5) * width / _STROKES
        red, green, blue = colorsys.hsv_to_rgb(i * 5 % count / count, 0.7, 0.8)
        color = f"#{int(255 * red):02x}{int(255 * green):02x}{int(255 * blue):02x}"
        strokes.append(Stroke([(y, x), (y, x + width / 50)], color, max(1, height // 100)))
    return strokes
