"""What another precision or device does to real pictures: whole results against float32's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..bundle import Bundle, default_bundles
from ..errors import BackendError, BundleError, InputError
from ..loading import graph_loader
from ..methods import GraphLoader, Method, find_method
from ..methods.model import Model, ModelOptions
from ..models import model_of
from ..pictures.color import lab_of
from ..pictures.decoding import ImageLike, read_picture
from ..runtime.graph import Graph, Target, load_graph
from ..runtime.precision import halved
from .tolerances import MAXIMUM_AB, MAXIMUM_MEAN_AB, MAXIMUM_PERCENTILE_AB

__all__ = ["Fidelity", "Reference", "colored", "compare", "fidelity", "float_source", "simulated"]

_LONGEST = 1024  # pixels; larger pictures are reduced to it
_STEP = 0.01  # ab: to which the percentile is exact
_FARTHEST = 512.0  # ab: more than any two colours are apart
_PERCENTILE = 0.999


@dataclass(frozen=True)
class Fidelity:
    """How far results are from those in float32.

    As text it is what a log or a table's caption needs.

    Attributes
    ----------
    pictures : int
    largest, mean : float
        Distance in ab, of the worst pixel and over all.
    percentile : float
        Distance in ab that 999 of 1,000 pixels keep within.
    psnr : float
        In dB, of the pictures, at most 100.
    """

    pictures: int
    largest: float
    mean: float
    percentile: float
    psnr: float

    def __str__(self) -> str:
        """Return the errors in words, without what was compared."""
        return (
            f"{self.pictures} pictures: off by {self.mean:.3f} ab on average, "
            f"{self.percentile:.2f} at most for 99.9 % of the pixels, {self.largest:.1f} at most, "
            f"PSNR {self.psnr:.1f} dB"
        )

    def excess(self) -> str | None:
        """Which limit of `tolerances` is broken, in words; None when all are kept."""
        for what, found, allowed in (
            ("on average", self.mean, MAXIMUM_MEAN_AB),
            ("for 99.9 % of the pixels", self.percentile, MAXIMUM_PERCENTILE_AB),
            ("at the worst pixel", self.largest, MAXIMUM_AB),
        ):
            if not found <= allowed:
                return f"off by {found:.2f} ab {what} (allowed: {allowed:g})"
        return None


def fidelity(
    bundle: Bundle,
    precision: str,
    pictures: Sequence[ImageLike],
    target: Target | None = None,
    *,
    source: Bundle | None = None,
) -> Fidelity:
    """Colour pictures in float32 and in another way, see `compare`.

    Parameters
    ----------
    precision : {"auto", "fp32", "fp16", "bf16", "int8"}
        What the bundle is run in; for messages where a target is given.
    pictures : sequence of path, PIL image or array
        In colour for models that take a reference.
    target : Target, optional
        Where to run the graphs for comparison. None simulates half precision on the CPU, for GPUs
        that are not here.
    source : Bundle, optional
        What to compare with, in float32; by default see `float_source`.

    Raises
    ------
    InputError
        Without pictures.
    BackendError
        When an error is past its limit in `tolerances`.
    """
    source = source or float_source(bundle)
    if source.precision != "fp32":
        raise InputError(f"{source.path} is in INT8: compare with a bundle in float32")
    plain = graph_loader(source, Target(backend="onnxruntime", device="cpu"))
    other = simulated(bundle, precision) if target is None else graph_loader(bundle, target)
    threads = None if target is None else target.threads
    device = "cpu" if target is None else target.device
    with (
        model_of(source, plain, ModelOptions("cpu")) as exact,
        model_of(bundle, other, ModelOptions(device, threads)) as half,
    ):
        result = compare(exact, half, pictures)
    excess = result.excess()
    if excess is not None:
        shown = bundle.precision if precision == "auto" else precision
        raise BackendError(
            f"{bundle.manifest.name} in {shown} is {excess}; use another precision, or keep layers "
            f"in float32 (parameter keep_fp32). All figures: {result}"
        )
    return result


def float_source(bundle: Bundle) -> Bundle:
    """The bundle in float32 that an INT8 bundle was made of; a float32 bundle is its own.

    It is one of the package's bundles or lies in the folder of the INT8 bundle, and has the very
    graphs that were quantized.

    Raises
    ------
    InputError
        When it is not found.
    """
    if bundle.precision == "fp32":
        return bundle
    made_of = bundle.manifest.parameters.get("made_of")
    wanted = made_of if isinstance(made_of, dict) else {}
    beside = [p for p in sorted(bundle.path.parent.iterdir()) if p != bundle.path]
    for path in (*default_bundles().values(), *beside):
        try:
            found = Bundle(path)
        except BundleError:
            continue  # some other file or folder
        graphs = {name: entry.sha256 for name, entry in found.manifest.graphs.items()}
        if graphs == wanted.get("graphs"):
            return found
    raise InputError(
        f"{bundle.path} is in INT8, and the bundle in float32 that it was made of "
        f"({wanted.get('name', 'it does not say which')}) is not in its folder; name it: "
        "--against BUNDLE"
    )


def simulated(bundle: Bundle, precision: str) -> GraphLoader:
    """A loader of graphs whose results are rounded after each node, as half precision would."""

    def load(name: str) -> Graph:
        content = halved(bundle.graph(name), precision, bundle.kept_layers(name), simulate=True)
        target = Target(backend="onnxruntime", device="cpu")
        return load_graph(content, target, f"{bundle.manifest.name}/{name}")

    return load


class Reference:
    """Pictures coloured by one model, which others of its method are compared with.

    The guidance is made of the pictures: strokes in all hues, the mirrored picture as the
    reference, the predicted style. Choices that may flip with the last digit are the first
    model's for all: anchors, and which places of the reference are looked at.

    Parameters
    ----------
    exact : Model
    pictures : sequence of path, PIL image or array

    Raises
    ------
    InputError
        Without pictures.
    """

    def __init__(self, exact: Model, pictures: Sequence[ImageLike]) -> None:
        if not pictures:
            raise InputError("there are no pictures to check the precision on")
        self._exact: Any = exact
        self._wanted = [self._colored(_reduced(given)) for given in pictures]

    def _colored(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Any, Any]:
        canvas = self._exact.prepare(picture)
        guidance = _guidance(self._exact, canvas, picture)
        return picture, guidance, canvas.render(guidance)

    def compare(self, model: Model) -> Fidelity:
        """Colour the pictures with another model.

        Raises
        ------
        InputError
            When it is a model of another method.
        """
        exact, other = self._exact, cast(Any, model)
        if exact.method != other.method:
            raise InputError(
                f"{exact.name} is a model of {exact.method}, {other.name} one of {other.method}: "
                "their pictures cannot be compared"
            )
        share = _method(exact).share_guidance
        errors, squares = [], []
        largest = 0.0
        counts = np.zeros(round(_FARTHEST / _STEP) + 1, np.int64)
        for picture, guidance, wanted in self._wanted:
            canvas = other.prepare(picture)
            found = canvas.render(share(guidance, _guidance(other, canvas, picture)))
            labs = [lab_of(p.astype(np.float32) / 255)[..., 1:] for p in (wanted, found)]
            distance = np.linalg.norm(labs[0] - labs[1], axis=-1)
            steps = (distance.ravel() / _STEP).astype(np.int64)
            largest = max(largest, float(distance.max()))
            counts += np.bincount(steps, minlength=counts.size)
            errors.append(float(distance.mean()))
            squares.append(float(np.square((wanted.astype(np.float32) - found) / 255).mean()))
        return Fidelity(
            len(errors),
            largest,
            float(np.mean(errors)),
            _percentile(counts, largest),
            -10 * float(np.log10(max(float(np.mean(squares)), 1e-10))),
        )


def compare(exact: Model, other: Model, pictures: Sequence[ImageLike]) -> Fidelity:
    """Colour pictures with two models of one method, see `Reference`.

    Raises
    ------
    InputError
        Without pictures, and for models of two methods.
    """
    return Reference(exact, pictures).compare(other)


def _percentile(counts: NDArray[np.int64], largest: float) -> float:
    """Upper end of the step in which the percentile lies, as far as there are such errors."""
    below = np.cumsum(counts) >= _PERCENTILE * counts.sum()
    return min(largest, float(np.argmax(below) + 1) * _STEP)


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
