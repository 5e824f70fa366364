"""The models of the scribble methods."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...bundle import Bundle
from ...errors import BackendError
from ...native.device import cuda_module, device_number
from ...pictures.decoding import ImageLike
from ...pictures.strokes import StrokesLike
from ...runtime.graph import Graph
from ..method import GraphLoader
from ..model import Model, ModelOptions, check_graphs, open_graphs
from ..prepare import Preparation, PrepareKeywords
from .canvas import ScribbleCanvas
from .features import FeatureSource, GraphFeatures, LumaFeatures, PropagationParameters
from .propagated_canvas import PropagatedCanvas

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["LEVIN", "ScribbleModel", "create_levin", "create_lga", "solver_device"]

_logger = logging.getLogger("colordeploy")

LEVIN = PropagationParameters(sigma=0.02, global_step=0)
"""Of affinities by differences of luma alone."""


class ScribbleModel(Model):
    """A scribble method: ``prepare`` a picture once, ``render`` strokes on it often.

    Use `colordeploy.load` to get one.

    Attributes
    ----------
    parameters : PropagationParameters
    source : FeatureSource
    solver : str
        Device of the solver: "cpu" or "cuda:N".
    """

    def __init__(
        self,
        name: str,
        method: str,
        graphs: Mapping[str, Graph],
        source: FeatureSource,
        parameters: PropagationParameters,
        options: ModelOptions,
        solver: str = "cpu",
    ) -> None:
        super().__init__(name, method, graphs, options)
        self.parameters = parameters
        self.source = source
        self.solver = solver

    def prepare(self, image: ImageLike, **keywords: Unpack[PrepareKeywords]) -> ScribbleCanvas:
        """Compute features, affinities and the plan of the system; see `Model.prepare`."""
        with Preparation(self, keywords) as preparation:
            photo = preparation.photo(
                image, self.parameters.working_size, "luma", enlarged=bool(self.graphs)
            )
            return PropagatedCanvas(self, photo, preparation.steps)

    def __call__(
        self, image: ImageLike, strokes: StrokesLike, **keywords: Unpack[CanvasKeywords]
    ) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(strokes, **keywords)


def create_levin(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> ScribbleModel:
    """Levin et al. 2004: no network."""
    solver = solver_device("levin", options.device, "cpu", LEVIN)
    return ScribbleModel("levin", "levin", {}, LumaFeatures(), LEVIN, options, solver)


def create_lga(bundle: Bundle | None, load: GraphLoader, options: ModelOptions) -> ScribbleModel:
    """LGA-Net from a bundle; BundleError when the bundle does not describe one."""
    assert bundle is not None  # the record says that it has one
    name = bundle.manifest.name
    parameters = PropagationParameters(
        sigma=bundle.number_parameter("sigma", above=0.0),
        phi=bundle.number_parameter("phi", above=-1.0),
        global_step=bundle.integer_parameter("global_step", minimum=0),
        local_edges=bundle.boolean_parameter("local_edges"),
        working_size=bundle.integer_parameter("working_size", minimum=1),
    )
    multiple = bundle.integer_parameter("multiple", minimum=1)
    wanted = {"affinity": ({"luma"}, {"features", "log_alpha"})}
    check_graphs(bundle, wanted)
    graphs = open_graphs(load, wanted)
    graph = graphs["affinity"]
    try:
        solver = solver_device(name, options.device, graph.device, parameters)
    except BackendError:
        graph.close()
        raise
    on_device = solver != "cpu" and solver == graph.device
    source = GraphFeatures(graph, multiple, on_device=on_device)
    return ScribbleModel(name, "lga", graphs, source, parameters, options, solver)


def solver_device(
    name: str, device: str, graph_device: str, parameters: PropagationParameters
) -> str:
    """Where the solver runs: on a GPU that was named or raise; with "auto" where the graph runs.

    Raises
    ------
    BackendError
        When the GPU that was named cannot solve.
    """
    wanted = device if device.startswith("cuda") else graph_device
    if device == "cpu" or not wanted.startswith("cuda"):
        _logger.info("%s: the solver runs on the CPU", name)
        return "cpu"
    number = device_number(wanted)
    try:
        if not parameters.local_edges:
            raise BackendError(
                "a model without local affinities is solved on the CPU only; use device='cpu'"
            )
        cuda_module(number or 0)
    except BackendError as error:
        if device != "auto":
            raise
        _logger.warning("%s: the solver runs on the CPU: %s", name, error)
        return "cpu"
    _logger.info("%s: the solver runs on cuda:%d", name, number or 0)
    return f"cuda:{number or 0}"
