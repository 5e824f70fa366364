"""The model of colour from an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...bundle import Bundle
from ...cancellation import CancelToken
from ...errors import InputError
from ...native.references import LEAST_CHROMA, working_reference
from ...pictures.decoding import ImageLike, read_samples
from ...pictures.geometry import WorkingSize, working_shape
from ...runtime.graph import Graph
from ...trace import span
from ..method import GraphLoader
from ..model import Model, ModelOptions, check_graphs, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .canvas import ExemplarCanvas
from .reference import PATCH, Reference, Selection

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["ExemplarModel", "create_sscn"]

_MINIMUM_SIDE = 8  # pixels


class ExemplarModel(Model):
    """SSCN: ``prepare`` a picture, ``render`` it by any reference; or encode a reference once and
    colour many pictures with it.

    Use `colordeploy.load` to get one.

    Attributes
    ----------
    multiple : int
        The networks' input has sides of whole multiples of it.
    working_size : int
        Default short side at which the networks see a picture.
    k, r : int
        Patches of a reference that a picture looks at by default, see `Selection`.
    patch : int
        Pixels of a patch's side at the working size.
    """

    def __init__(
        self,
        name: str,
        graphs: Mapping[str, Graph],
        options: ModelOptions,
        *,
        identity: str,
        multiple: int,
        working_size: int,
        k: int,
        r: int,
        patch: int = PATCH,
    ) -> None:
        super().__init__(name, "sscn", graphs, options)
        self.multiple, self.working_size = multiple, working_size
        self.k, self.r, self.patch = k, r, patch
        self._identity = identity

    def encode_reference(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> Reference:
        """Encode a reference once, to colour many pictures with it.

        Parameters
        ----------
        image : path, PIL image, or (H, W, 3) array
            In colour; a photo, a painting, a palette.
        **keywords
            See `PrepareKeywords`: size (at which the networks see it), cancel, progress.

        Raises
        ------
        InputError
            For pictures without colour, smaller than 8 pixels, or that cannot be read.
        Cancelled
            When the token was cancelled.
        """
        with Preparation(self, keywords) as preparation:
            steps = preparation.steps
            steps(0.0, "reading")
            size = preparation.size
            with span("preprocessing"):
                working, planes = abandonable(lambda: self._read(image, size), steps.cancel)
            shape = working.shape[:2]
            steps(0.2, "encoding")
            graph = self.open_graphs()["encode_reference"]
            outputs = graph.run({"lab": planes[None]}, cancel=steps.cancel)
            rows, columns = (side // self.patch for side in planes.shape[1:])
            inside = np.zeros((rows, columns), bool)
            inside[: -(-shape[0] // self.patch), : -(-shape[1] // self.patch)] = True
            activation = np.where(inside.ravel(), outputs["activation"][0], -np.inf)
            return Reference(
                outputs["features"][0],
                outputs["style"][0],
                activation.astype(np.float32),
                rows,
                columns,
                (working * 255 + 0.5).astype(np.uint8),
                self._identity,
                self.patch,
            )

    def _read(
        self, image: ImageLike, size: WorkingSize
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A reference at its working size: sRGB in [0, 1], and Lab as the encoder takes it."""
        values = read_samples(image)
        if min(values.shape[:2]) < _MINIMUM_SIDE:
            raise InputError(
                f"a reference must have at least {_MINIMUM_SIDE}x{_MINIMUM_SIDE} pixels, not "
                f"{values.shape[0]}x{values.shape[1]}"
            )
        gray = InputError("the reference is gray: there is no colour in it to take")
        if values.ndim == 2:
            raise gray
        shape = working_shape((values.shape[0], values.shape[1]), size, self.working_size)
        working, planes, chroma = working_reference(
            values, shape, self.multiple, threads=self.threads
        )
        if chroma < LEAST_CHROMA:
            raise gray
        return working, planes

    def encoded(
        self, reference: Reference | ImageLike, cancel: CancelToken | None = None
    ) -> Reference:
        """A reference of this model: as it is, or encoded now.

        Raises
        ------
        InputError
            For one that another model encoded, and as `encode_reference`.
        """
        if not isinstance(reference, Reference):
            return self.encode_reference(reference, cancel=cancel)
        if reference.model != self._identity:
            raise InputError(
                f"this reference was encoded by {reference.model or 'another model'}, not by "
                f"{self._identity}; encode the picture with this model's encode_reference"
            )
        return reference

    def select(self, reference: Reference, selection: Selection) -> NDArray[np.int64]:
        """Patches of a reference, see `Reference.select`, by this model's defaults."""
        return reference.select(selection, self.k, self.r)

    def prepare(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> ExemplarCanvas:
        """Read a picture and bring it to its working size; see `Model.prepare`."""
        with Preparation(self, keywords) as preparation:
            photo = preparation.photo(image, self.working_size, "lab", enlarged=True)
            return ExemplarCanvas(self, photo)

    def __call__(
        self,
        image: ImageLike,
        reference: Reference | ImageLike,
        *,
        k: int | None = None,
        r: int | None = None,
        seed: int = 0,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(reference, k=k, r=r, seed=seed, **keywords)


def create_sscn(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> ExemplarModel:
    """SSCN from a bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    manifest = bundle.manifest
    parameters = {
        "multiple": bundle.integer_parameter("multiple", minimum=1),
        "working_size": bundle.integer_parameter("working_size", minimum=1),
        "k": bundle.integer_parameter("k", minimum=0),
        "r": bundle.integer_parameter("r", minimum=0),
    }
    if "patch" in manifest.parameters:  # bundles of the paper's network have none
        parameters["patch"] = bundle.integer_parameter("patch", minimum=1)
    wanted = {
        "encode_reference": ({"lab"}, {"features", "style", "activation"}),
        "colorize": ({"gray", "style", "selected"}, {"ab", "coarse", "queries", "keys"}),
    }
    check_graphs(bundle, wanted)
    digest = manifest.graphs["encode_reference"].sha256[:12]
    identity = f"{manifest.name} {manifest.version} ({digest})"
    graphs = open_graphs(load, wanted)
    return ExemplarModel(manifest.name, graphs, options, identity=identity, **parameters)
