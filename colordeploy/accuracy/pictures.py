"""What another precision or device does to real pictures: whole results against float32's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..bundle import Bundle
from ..errors import BackendError, InputError
from ..loading import graph_loader
from ..methods import GraphLoader, Method, find_method
from ..methods.model import Model, ModelOptions
from ..models import model_of
from ..pictures.color import lab_of
from ..pictures.decoding import ImageLike, read_picture
from ..runtime.graph import Graph, Target, load_graph
from ..runtime.precision import halved
from .tolerances import MAXIMUM_MEAN_AB

__all__ = ["Fidelity", "colored", "compare", "fidelity", "simulated"]

_LONGEST = 1024  # pixels; larger pictures are reduced to it


@dataclass(frozen=True)
class Fidelity:
    """How far results are from those in float32.

    As text it is what a log or a table's caption needs.

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
        """Return the errors in words, without what was compared."""
        return (
            f"{self.pictures} pictures: off by {self.mean:.3f} ab on average, {self.largest:.1f} "
            f"at most, PSNR {self.psnr:.1f} dB"
        )


def fidelity(
    bundle: Bundle, precision: str, pictures: Sequence[ImageLike], target: Target | None = None
) -> Fidelity:
    """Colour pictures in float32 and in another way, see `compare`.

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
        When the mean error is past `MAXIMUM_MEAN_AB`.
    """
    plain = graph_loader(bundle, Target(backend="onnxruntime", device="cpu"))
    other = simulated(bundle, precision) if target is None else graph_loader(bundle, target)
    threads = None if target is None else target.threads
    device = "cpu" if target is None else target.device
    with (
        model_of(bundle, plain, ModelOptions("cpu")) as exact,
        model_of(bundle, other, ModelOptions(device, threads)) as half,
    ):
        result = compare(exact, half, pictures)
    if result.mean > MAXIMUM_MEAN_AB:
        raise BackendError(
            f"{bundle.manifest.name} in {precision} is off by {result.mean:.2f} ab on average "
            f"(allowed: {MAXIMUM_MEAN_AB:g}); use another precision, or keep layers in float32 "
            "(parameter keep_fp32)"
        )
    return result


def simulated(bundle: Bundle, precision: str) -> GraphLoader:
    """A loader of graphs whose results are rounded after each node, as half precision would."""

    def load(name: str) -> Graph:
        content = halved(bundle.graph(name), precision, bundle.kept_layers(name), simulate=True)
        target = Target(backend="onnxruntime", device="cpu")
        return load_graph(content, target, f"{bundle.manifest.name}/{name}")

    return load


def compare(exact: Model, other: Model, pictures: Sequence[ImageLike]) -> Fidelity:
    """Colour pictures with two models of one method, with guidance made of the pictures.

    Strokes in all hues, the mirrored picture as the reference, the predicted style. Choices that
    may flip with the last digit are the first model's for both: anchors, and which places of the
    reference are looked at.

    Raises
    ------
    InputError
        Without pictures, and for models of two methods.
    """
    if not pictures:
        raise InputError("there are no pictures to check the precision on")
    if exact.method != other.method:
        raise InputError(
            f"{exact.name} is a model of {exact.method}, {other.name} one of {other.method}: "
            "their pictures cannot be compared"
        )
    errors, squares = [], []
    largest = 0.0
    for given in pictures:
        wanted, found = _colored_twice(exact, other, _reduced(given))
        labs = [lab_of(p.astype(np.float32) / 255)[..., 1:] for p in (wanted, found)]
        distance = np.linalg.norm(labs[0] - labs[1], axis=-1)
        largest = max(largest, float(distance.max()))
        errors.append(float(distance.mean()))
        squares.append(float(np.square((wanted.astype(np.float32) - found) / 255).mean()))
    return Fidelity(
        len(errors),
        largest,
        float(np.mean(errors)),
        -10 * float(np.log10(max(float(np.mean(squares)), 1e-10))),
    )


def colored(model: Model, picture: ImageLike) -> NDArray[np.uint8]:
    """A picture of at most 1024 pixels, coloured with the guidance that `compare` gives."""
    reduced = _reduced(picture)
    drawn: Any = model
    canvas = drawn.prepare(reduced)
    result: NDArray[np.uint8] = canvas.render(_guidance(drawn, canvas, reduced))
    return result


def _reduced(given: ImageLike) -> NDArray[np.uint8]:
    values = read_picture(given)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    picture = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
    picture.thumbnail((_LONGEST, _LONGEST))
    return np.asarray(picture)


def _method(model: Model) -> Method:
    method = find_method(model.method)
    assert method is not None  # there is a model of it
    return method


def _guidance(model: Model, canvas: Any, picture: NDArray[np.uint8]) -> Any:
    method = _method(model)
    guidance = method.example_guidance(model, canvas, picture, np.random.default_rng(0))
    return method.encode_guidance(model, guidance) if method.encode_guidance else guidance


def _colored_twice(
    exact: Any, other: Any, picture: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    first, second = exact.prepare(picture), other.prepare(picture)
    guidance = _guidance(exact, first, picture)
    shared = _method(exact).share_guidance(guidance, _guidance(other, second, picture))
    return first.render(guidance), second.render(shared)
