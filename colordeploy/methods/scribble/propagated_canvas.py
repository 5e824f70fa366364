"""A picture prepared for strokes whose colours are propagated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...abandoning import abandonable
from ...cancellation import CancelToken
from ...device_array import Strided
from ...native import Affinities, GuidedChroma, Marks, Propagator
from ...pictures.base import Base, BaseLike, base_key, read_base
from ...pictures.photo import ChromaLayer, Photo
from ...pictures.rendering import Rendering
from ...pictures.strokes import StrokesLike, constraints_of
from ...trace import span
from ..canvas import CanvasKeywords, Kept
from ..steps import Steps
from .affinity_maps import AffinityMaps
from .canvas import ScribbleCanvas
from .coarsening import halves
from .features import host_features
from .mending import Mending, at_marks, checked_reach

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .model import ScribbleModel

__all__ = ["PropagatedCanvas"]


class PropagatedCanvas(ScribbleCanvas):
    """A picture with the affinities of its pixels, along which colours spread."""

    _model: ScribbleModel

    def __init__(self, model: ScribbleModel, photo: Photo, steps: Steps) -> None:
        super().__init__(model, photo)
        self._threads = self._threads_of(model)
        self._propagator: Propagator | None
        self._propagator, self.alpha = self._prepared(steps)
        self._maps: Kept[AffinityMaps] = Kept(1)
        self._bases: Kept[Base] = Kept(1)
        self._mendings: Kept[Mending] = Kept(1)

    def _threads_of(self, model: ScribbleModel) -> int | None:
        return model.threads

    def _prepared(self, steps: Steps) -> tuple[Propagator, float]:
        """The system, and its alpha."""
        steps(0.1, "features")
        features, alpha = self._model.source(self.photo, steps)
        steps(0.6, "affinities")
        with span("affinities"):
            if isinstance(features, Strided):
                return self._system(features, alpha, steps), alpha
            return abandonable(lambda: self._system(features, alpha, steps), steps.cancel), alpha

    def _system(
        self, features: NDArray[np.floating] | Strided, alpha: float, steps: Steps
    ) -> Propagator:
        parameters, threads = self._model.parameters, self._threads
        on_gpu = isinstance(features, Strided)
        device = features.base.device if isinstance(features, Strided) else self._model.solver
        if on_gpu or device != "cpu":
            return Propagator(
                features if on_gpu else np.ascontiguousarray(features),
                sigma=parameters.sigma,
                alpha=alpha,
                phi=parameters.phi,
                global_step=parameters.global_step,
                device=device,
                threads=threads,
                cancel=steps.cancel,
            )
        affinities = Affinities.from_features(
            host_features(features),
            sigma=parameters.sigma,
            global_step=parameters.global_step,
            local=parameters.local_edges,
            threads=threads,
            cancel=steps.cancel,
        )
        # To about 1e-6 in x, where colours need 1e-3.
        precision = "single" if parameters.phi > 1e-20 else "double"
        return Propagator(
            affinities, alpha=alpha, phi=parameters.phi, threads=threads, precision=precision
        )

    @property
    def device(self) -> str:
        """Where the solver runs: "cpu" or "cuda:N"."""
        return self.propagator.device

    @property
    def propagator(self) -> Propagator:
        """The system being solved, for a closer look."""
        propagator = self._propagator  # read once: another thread may close the canvas
        if propagator is None:
            raise self._closed_error()
        return propagator

    def render(
        self,
        strokes: StrokesLike,
        *,
        base: BaseLike | None = None,
        reach: float = 0.5,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        propagator = self.propagator
        with span("strokes"):
            marks = constraints_of(
                strokes,
                self.size,
                self.working_size,
                required=base is None,
                threads=self._threads,
                cancel=keywords.get("cancel"),
            )
        if base is not None:
            return self._mended(marks, base, checked_reach(reach), keywords)
        values = marks.chroma[marks.mask]

        def chroma(steps: Steps) -> NDArray[Any]:
            with span("propagation"):
                return propagator.solve(marks.mask, marks.chroma, cancel=steps.cancel)

        return self._colored((marks.mask.tobytes(), values.tobytes()), chroma, keywords)

    def _mended(
        self, marks: Marks, base: BaseLike, reach: float, keywords: CanvasKeywords
    ) -> NDArray[Any]:
        propagator, photo, threads = self.propagator, self.photo, self._threads
        with span("base"):
            known = base_key(base)
            under = abandonable(
                lambda: self._bases.get(known, lambda: read_base(base, photo)),
                keywords.get("cancel"),
            )

        def layer(steps: Steps) -> ChromaLayer:
            luma, chroma = under.reduced(self.working_size)
            difference = at_marks(marks, chroma)
            if marks.mask.any() and reach > 0:
                mending = self._mendings.get(
                    reach,
                    lambda: Mending(
                        propagator,
                        self.alpha,
                        self._model.parameters.phi,
                        reach,
                        threads,
                        steps.cancel,
                    ),
                )
                with span("propagation"):
                    difference = mending.differences(marks, chroma, steps.cancel)
            return GuidedChroma(difference, luma, space="luma", follow=photo.lost_detail)

        def compose(
            made: ChromaLayer, rendering: Rendering, cancel: CancelToken | None
        ) -> NDArray[Any]:
            luma, chroma = under.preview(rendering.shape, threads, cancel)
            with span("upsampling"):
                return made.compose(
                    luma,
                    region=rendering.region,
                    output=rendering.output,
                    saturation=rendering.saturation,
                    out=rendering.pixels,
                    threads=threads,
                    base=chroma,
                    cancel=cancel,
                )

        values = marks.chroma[marks.mask]
        key = known, reach, marks.mask.tobytes(), values.tobytes()
        return self._rendered(key, layer, keywords, compose)

    def draft(self, *, cancel: CancelToken | None = None) -> PropagatedCanvas | None:
        from .draft_canvas import DraftCanvas

        if not halves(self.working_size, self._model.parameters.global_step):
            return None
        steps = Steps(cancel)
        with self._working(steps):
            return DraftCanvas(self._model, self, steps)

    def affinity(self, y: int, x: int) -> NDArray[np.float32]:
        return self._affinity_maps().of_pixel(y, x)

    def local_affinity(self, dy: int, dx: int) -> NDArray[np.float32]:
        return self._affinity_maps().of_neighbours(dy, dx)

    def global_affinity(self, y: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        return self._affinity_maps().of_global_points(y, x)

    def _affinity_maps(self) -> AffinityMaps:
        """Maps of the features, which are computed again when first asked for: few ever ask."""
        photo = self.photo

        def make() -> AffinityMaps:
            self._model.open_graphs()
            features, _ = self._model.source(photo, Steps())
            parameters = self._model.parameters
            return AffinityMaps(
                host_features(features), parameters.sigma, parameters.global_step, self.size
            )

        return self._maps.get(None, make)

    def _held_besides(self) -> int:
        bases = sum(base.nbytes for base in self._bases.values())
        return (
            self.propagator.nbytes
            + bases
            + sum(mending.nbytes for mending in self._mendings.values())
        )

    def _free_besides(self) -> None:
        self._maps.clear()
        self._bases.clear()
        self._mendings.clear()
        self._propagator = None
