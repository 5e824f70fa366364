"""The beginning that every ``prepare`` shares."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..abandoning import abandonable
from ..pictures.decoding import ImageLike
from ..pictures.geometry import WorkingSize
from ..pictures.photo import Photo, Space
from .steps import CallKeywords, Steps

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Preparation", "PrepareKeywords"]


class PrepareKeywords(CallKeywords, total=False):
    """Keyword arguments of every model's ``prepare``, besides those of `CallKeywords`.

    Attributes
    ----------
    size : int, "native" or None
        Short side at which colours are computed (the result is at the picture's own size in any
        case); None is the model's default, "native" the picture's own size.
    """

    size: WorkingSize


class Preparation:
    """One call of ``prepare``: it waits for its turn, and ends with the last step."""

    def __init__(self, model: Model, keywords: PrepareKeywords) -> None:
        given: dict[str, Any] = dict(keywords)
        self.size: WorkingSize = given.pop("size", None)
        self.steps = Steps(given.pop("cancel", None), given.pop("progress", None))
        if given:
            raise TypeError(f"prepare() got an unexpected keyword argument {next(iter(given))!r}")
        self._model = model
        self._turn = model.turn(self.steps)

    def photo(
        self, image: ImageLike, default: int, space: Space, *, enlarged: bool = False
    ) -> Photo:
        """Read a picture at its own and at the working size, see `Photo.read`."""
        self.steps(0.0, "reading")
        threads = self._model.threads
        return abandonable(
            lambda: Photo.read(
                image, self.size, default, space=space, threads=threads, enlarged=enlarged
            ),
            self.steps.cancel,
        )

    def __enter__(self) -> Preparation:
        self._model.open_graphs()
        self._turn.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turn.__exit__(kind, error, trace)
        if kind is None:
            self.steps(1.0, "done")
