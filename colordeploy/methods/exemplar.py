"""Colour from an example: SSCN (Bai et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..bundle import Bundle
from ..errors import InputError
from ..native import choose
from ..native.checks import whole_number
from ..pictures.color import lab_of
from ..pictures.decoding import ImageLike, read_picture
from ..pictures.geometry import WorkingSize, pad_to_multiple, resize, working_shape
from ..pictures.upsample import AB_SCALE, colorize_full_size
from ..runtime.graph import Graph, Target
from ..trace import span
from .model import Model, load_graphs, read_at_two_sizes

__all__ = ["ExemplarCanvas", "ExemplarModel", "Match", "Reference", "sscn_model"]

_PLACE = 4  # pixels of a place's side
_LEAST_CHROMA = 2.0  # ab units: a reference whose every pixel has less has no colour to take
_LEAST_SIDE = 8  # pixels


@dataclass(frozen=True)
class Reference:
    """A picture that colours are taken from, encoded.

    Made by `ExemplarModel.encode_reference`; goes with that model only.

    Attributes
    ----------
    features : (N, d) float32
        Of each place (4x4 pixels at the working size) in reading order.
    style : (n,) float32
    activation : (N,) float32
        How much a place stands for what the picture shows; -inf for the padding's.
    rows, columns : int
        Of places.
    picture : (h, w, 3) uint8
        The reference at its working size.
    """

    features: NDArray[np.float32]
    style: NDArray[np.float32]
    activation: NDArray[np.float32]
    rows: int
    columns: int
    picture: NDArray[np.uint8]

    @property
    def places(self) -> int:
        """How many places can be selected."""
        return int(np.isfinite(self.activation).sum())

    def select(self, k: int | None, r: int | None, seed: int, default: int) -> NDArray[np.int64]:
        """Indices of the k most active places and r others, the same on every machine.

        Parameters
        ----------
        k, r : int or None
            None is `default`, or as many as there are.

        Raises
        ------
        InputError
            For negative numbers, none at all, or more than there are places.
        """
        count = self.places
        most = min(default, count) if k is None else whole_number("k", k)
        others = min(default, count - min(most, count)) if r is None else whole_number("r", r)
        if most < 0 or others < 0 or not 1 <= most + others <= count:
            raise InputError(
                f"k + r must be between 1 and the {count} features of this reference, not "
                f"{most} + {others}; use a larger reference, or fewer"
            )
        # Rounded, so that backends whose last digits differ choose alike; ties by place.
        scale = float(np.abs(self.activation[np.isfinite(self.activation)]).max()) or 1.0
        order = np.argsort(-np.round(self.activation / scale, 3), kind="stable")[:count]
        rest = order[most:]
        drawn = np.sort(choose(len(rest), others, seed=seed))
        return np.concatenate([order[:most], rest[drawn]]).astype(np.int64)


@dataclass(frozen=True)
class Match:
    """Where a place of the picture looked.

    Attributes
    ----------
    y, x : float
        In the picture's pixels.
    reference_y, reference_x : float
        The place that weighed most, in pixels of `Reference.picture`.
    weight : float
        Its share of the attention, 0 to 1.
    """

    y: float
    x: float
    reference_y: float
    reference_x: float
    weight: float


class ExemplarCanvas:
    """One picture, ready to be coloured by any reference.

    Made by `ExemplarModel.prepare`. Safe to use from several threads.
    """

    def __init__(
        self,
        lightness: NDArray[np.float32],
        working_lightness: NDArray[np.float32],
        gray: NDArray[np.float32],
        graph: Graph,
        model: ExemplarModel,
    ) -> None:
        self._lightness = lightness
        self._working_lightness = working_lightness
        self._gray = gray
        self._graph = graph
        self._model = model

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self._lightness.shape[0], self._lightness.shape[1]

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which the networks see the picture."""
        return self._working_lightness.shape[0], self._working_lightness.shape[1]

    def render(
        self,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
        coarse: bool = False,
    ) -> NDArray[np.uint8]:
        """Colour the picture like a reference.

        Parameters
        ----------
        reference : Reference or image
            Encode it once with `ExemplarModel.encode_reference` to colour many pictures.
        k, r : int, optional
            How many places of the reference the picture may look at: the most telling ones, and
            random others; by default the model's, or as many as there are.
        seed : int
            Of the random ones; the same seed gives the same colours.
        coarse : bool
            Only the first stage's result: the reference's global tone, no matches.

        Returns
        -------
        (H, W, 3) uint8 sRGB
            The picture's own lightness with new chroma; the caller's own memory.

        Raises
        ------
        InputError
            For references without colour or too small, and k + r out of range.
        """
        found, _ = self._run(self._encoded(reference), k, r, seed)
        ab = found["coarse" if coarse else "ab"][0]
        height, width = self.working_size
        return colorize_full_size(
            self._lightness / np.float32(100),
            self._working_lightness / np.float32(100),
            np.moveaxis(ab[:, :height, :width], 0, -1) / np.float32(AB_SCALE),
            space="lab",
            threads=self._model.threads,
        )

    def matches(
        self,
        reference: Reference | ImageLike,
        points: Sequence[tuple[float, float]] | None = None,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
    ) -> list[Match]:
        """Where points (y, x) of the picture looked; by default a grid of three by three."""
        encoded = self._encoded(reference)
        found, chosen = self._run(encoded, k, r, seed)
        height, width = self.size
        if points is None:
            steps = (1 / 6, 1 / 2, 5 / 6)
            points = [(y * height, x * width) for y in steps for x in steps]
        queries, keys = found["queries"][0], found["keys"][0]
        across = self._gray.shape[1] // _PLACE
        result = []
        for y, x in points:
            if not (0 <= y < height and 0 <= x < width):
                raise InputError(f"({y}, {x}) is outside the picture of {height}x{width} pixels")
            row = int(y * self.working_size[0] / height) // _PLACE
            column = int(x * self.working_size[1] / width) // _PLACE
            scores = keys @ queries[row * across + column] / np.sqrt(keys.shape[1])
            weights = np.exp(scores - scores.max())
            best = int(weights.argmax())
            at, left = divmod(int(chosen[best]), encoded.columns)
            share = float(weights[best] / weights.sum())
            bottom, right = encoded.picture.shape[0] - 0.5, encoded.picture.shape[1] - 0.5
            middle = min((at + 0.5) * _PLACE, bottom), min((left + 0.5) * _PLACE, right)
            result.append(Match(y, x, *middle, share))
        return result

    def match_picture(
        self,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
    ) -> NDArray[np.uint8]:
        """The coloured picture beside the reference, whose selected places are bright, and lines
        from a few points to where they looked; (h, w, 3) uint8.
        """
        encoded = self._encoded(reference)
        shown = Image.fromarray(self.render(encoded, k=k, r=r, seed=seed))
        height, width = self.working_size
        shown = shown.resize((width, height), Image.Resampling.BICUBIC)
        chosen = encoded.select(k, r, seed, self._model.default)
        seen = np.zeros(encoded.rows * encoded.columns, bool)
        seen[chosen] = True
        mask = seen.reshape(encoded.rows, encoded.columns).repeat(_PLACE, 0).repeat(_PLACE, 1)
        mask = mask[: encoded.picture.shape[0], : encoded.picture.shape[1]]
        dimmed = np.where(mask[..., None], encoded.picture, encoded.picture // 3)
        gap = 8
        side = max(height, dimmed.shape[0])
        sheet = Image.new("RGB", (width + gap + dimmed.shape[1], side), "white")
        sheet.paste(shown, (0, 0))
        sheet.paste(Image.fromarray(dimmed), (width + gap, 0))
        draw = ImageDraw.Draw(sheet)
        scale = height / self.size[0], width / self.size[1]
        for match in self.matches(encoded, k=k, r=r, seed=seed):
            start = (match.x * scale[1], match.y * scale[0])
            end = (width + gap + match.reference_x, match.reference_y)
            draw.line((*start, *end), fill="yellow", width=1)
            for x, y in (start, end):
                draw.ellipse((x - 3, y - 3, x + 3, y + 3), outline="red", width=1)
        return np.asarray(sheet)

    def _encoded(self, reference: Reference | ImageLike) -> Reference:
        if isinstance(reference, Reference):
            return reference
        return self._model.encode_reference(reference)

    def _run(
        self, reference: Reference, k: int | None, r: int | None, seed: int
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
        with span("selection"):
            chosen = reference.select(k, r, seed, self._model.default)
        inputs = {
            "gray": self._gray[None, None],
            "style": reference.style[None],
            "selected": reference.features[chosen][None],
        }
        return self._graph.run(inputs), chosen


class ExemplarModel(Model):
    """SSCN: ``prepare`` a picture, ``render`` it by any reference; or encode a reference once and
    colour many pictures with it.

    Use `colordeploy.load` to get one.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        *,
        multiple: int,
        working_size: int,
        default: int,
        threads: int | None = None,
    ) -> None:
        super().__init__(name, "sscn", graphs, threads)
        self.default = default
        self._multiple, self._working_size = multiple, working_size

    def encode_reference(self, image: ImageLike, *, size: WorkingSize = None) -> Reference:
        """Encode a reference once, to colour many pictures with it.

        Parameters
        ----------
        image : path, PIL image, or (H, W, 3) array
            In colour; a photo, a painting, a palette.
        size : int, "native" or None
            Short side at which the networks see it; None is the model's default.

        Raises
        ------
        InputError
            For pictures without colour, smaller than 8 pixels, or that cannot be read.
        """
        graph = self._open_graphs()["encode_reference"]
        with span("preprocessing"):
            values = read_picture(image)
        if min(values.shape[:2]) < _LEAST_SIDE:
            raise InputError(
                f"a reference must have at least {_LEAST_SIDE}x{_LEAST_SIDE} pixels, not "
                f"{values.shape[0]}x{values.shape[1]}"
            )
        shape = working_shape((values.shape[0], values.shape[1]), size, self._working_size)
        working = np.clip(resize(values, shape), np.float32(0), np.float32(1))
        lab = lab_of(working) if values.ndim == 3 else None
        if lab is None or np.hypot(lab[..., 1], lab[..., 2]).max() < _LEAST_CHROMA:
            raise InputError("the reference is gray: there is no colour in it to take")
        scale = np.array([50.0, AB_SCALE, AB_SCALE])
        scaled: NDArray[np.float32] = (lab / scale - (1, 0, 0)).astype(np.float32)
        planes = [pad_to_multiple(scaled[..., c], self._multiple) for c in range(3)]
        found = {n: a[0] for n, a in graph.run({"lab": np.stack(planes)[None]}).items()}
        rows, columns = (side // _PLACE for side in planes[0].shape)
        inside = np.zeros((rows, columns), bool)
        inside[: -(-shape[0] // _PLACE), : -(-shape[1] // _PLACE)] = True
        activation = np.where(inside.ravel(), found["activation"], -np.inf).astype(np.float32)
        picture = (working * 255 + 0.5).astype(np.uint8)
        return Reference(found["features"], found["style"], activation, rows, columns, picture)

    def prepare(self, image: ImageLike, *, size: WorkingSize = None) -> ExemplarCanvas:
        """Read a picture and bring it to its working size.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
            See `colordeploy.pictures.decoding.read_picture`.
        size : int, "native" or None
            Short side at which the networks see the picture (the result is at its own size in any
            case); None is the model's default, "native" the picture's own size.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty.
        """
        graph = self._open_graphs()["colorize"]
        lightness, working = read_at_two_sizes(image, size, self._working_size, self.threads)
        gray = pad_to_multiple((working - np.float32(50)) / np.float32(50), self._multiple)
        return ExemplarCanvas(lightness, working, gray, graph, self)

    def __call__(
        self,
        image: ImageLike,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
    ) -> NDArray[np.uint8]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(reference, k=k, r=r, seed=seed)


def sscn_model(bundle: Bundle, target: Target) -> ExemplarModel:
    """SSCN from a bundle; BundleError when the bundle does not describe one."""
    wanted = {
        "encode_reference": ({"lab"}, {"features", "style", "activation"}),
        "colorize": ({"gray", "style", "selected"}, {"ab", "coarse", "queries", "keys"}),
    }
    return ExemplarModel(
        bundle.manifest.name,
        load_graphs(bundle, target, wanted),
        multiple=bundle.whole_parameter("multiple", least=1),
        working_size=bundle.whole_parameter("working_size", least=1),
        default=bundle.whole_parameter("k", least=1),
        threads=target.threads,
    )
