"""A picture prepared for strokes that are still being drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abandoning import abandonable
from ...native import Propagator
from ..steps import Steps
from .affinity_maps import AffinityMaps
from .coarsening import halved
from .propagated_canvas import PropagatedCanvas

if TYPE_CHECKING:
    from .model import ScribbleModel

__all__ = ["DraftCanvas"]


class DraftCanvas(PropagatedCanvas):
    """The system of another canvas on blocks of 2x2 working pixels.

    Parameters
    ----------
    model : ScribbleModel
    exact : PropagatedCanvas
    steps : Steps
    """

    def __init__(self, model: ScribbleModel, exact: PropagatedCanvas, steps: Steps) -> None:
        self._exact = exact
        super().__init__(model, exact.photo.halved(threads=1), steps)

    def _threads_of(self, model: ScribbleModel) -> int | None:
        return 1  # there is too little to share, and who shows the pixels needs processors, too

    def _prepared(self, steps: Steps) -> tuple[Propagator, float]:
        parameters, alpha = self._model.parameters, self._exact.alpha
        exact = self._exact.propagator
        device = exact.device

        def make() -> Propagator:
            return Propagator(
                halved(exact.affinities),
                alpha=alpha,
                phi=parameters.phi,
                device=device,
                threads=self._threads,
                precision="single" if device == "cpu" and parameters.phi > 1e-20 else "double",
            )

        return abandonable(make, steps.cancel), alpha

    def _affinity_maps(self) -> AffinityMaps:
        return self._exact._affinity_maps()  # of the network at its own working size

    def _held(self) -> int:
        return super()._held() - self.photo.lightness.nbytes  # it is the other canvas's own
