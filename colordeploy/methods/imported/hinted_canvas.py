"""A picture coloured by an imported network that takes hints."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cancellation import CancelToken
from ...native import Propagator
from ...pictures.base import BaseLike
from ...pictures.photo import Photo
from ...pictures.strokes import StrokesLike
from ...trace import span
from ..canvas import CanvasKeywords
from ..scribble import ScribbleCanvas
from ..scribble.propagated_canvas import PropagatedCanvas
from ..steps import Steps
from .hints import Hints, hints_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .hinted_model import HintedModel

__all__ = ["HintedCanvas"]


class HintedCanvas(ScribbleCanvas):
    """One picture: the network colours it for strokes, or by itself where there is none.

    With a base the network is not asked: strokes mend the base along affinities of luma, those of
    ``levin``, which are computed when they are first wanted.

    Made by `HintedModel.prepare`. Safe to use from several threads.
    """

    _model: HintedModel

    def __init__(self, model: HintedModel, photo: Photo) -> None:
        super().__init__(model, photo)
        (graph,) = model.open_graphs().values()
        self._where = graph.device
        self._propagated: PropagatedCanvas | None = None
        self._lock = Lock()

    @property
    def device(self) -> str:
        """Where the network runs: "cpu" or "cuda:N"."""
        return self._where

    @property
    def propagator(self) -> Propagator:
        """The system that spreads the difference of strokes from a base."""
        return self._mender(Steps()).propagator

    def render(
        self,
        strokes: StrokesLike,
        *,
        base: BaseLike | None = None,
        reach: float = 0.5,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Colour the picture, see `ScribbleCanvas.render`; there may be no stroke at all.

        A stroke's colour is a hint: the network makes of it what it will, and keeps no promise to
        show it exactly.
        """
        if base is not None:
            steps = Steps(keywords.get("cancel"))
            return self._mender(steps).render(strokes, base=base, reach=reach, **keywords)
        hints = self._hints(strokes, keywords.get("cancel"))
        return self._colored((hints.key,), lambda steps: self._told(hints, steps.cancel), keywords)

    def chroma_of(self, strokes: StrokesLike) -> NDArray[np.float32]:
        """What the network says for strokes at the working size, (h, w, 2): CIE a and b, or U, V.

        Raises
        ------
        InputError
            As `render`.
        """
        with self._working(Steps()):
            return self._told(self._hints(strokes, None), None)

    def _hints(self, strokes: StrokesLike, cancel: CancelToken | None) -> Hints:
        with span("strokes"):
            return hints_of(strokes, self.size, self.working_size, self._model.threads, cancel)

    def _told(self, hints: Hints, cancel: CancelToken | None) -> NDArray[np.float32]:
        """The network's chroma for hints."""
        (graph,) = self._model.open_graphs().values()
        return self._model.network.chroma(graph, self.photo, hints, cancel)

    def affinity(self, y: int, x: int) -> NDArray[np.float32]:
        return self._mender(Steps()).affinity(y, x)

    def local_affinity(self, dy: int, dx: int) -> NDArray[np.float32]:
        return self._mender(Steps()).local_affinity(dy, dx)

    def global_affinity(self, y: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        return self._mender(Steps()).global_affinity(y, x)

    def _mender(self, steps: Steps) -> PropagatedCanvas:
        """The same picture prepared for ``levin``."""
        photo = self.photo
        with self._lock:
            if self._propagated is None:
                with self._working(steps):
                    self._propagated = PropagatedCanvas(self._model, photo.in_luma(), steps)
            return self._propagated

    def _held_besides(self) -> int:
        propagated = self._propagated
        return 0 if propagated is None else propagated.nbytes

    def _free_besides(self) -> None:
        with self._lock:
            if self._propagated is not None:
                self._propagated.close()
            self._propagated = None
