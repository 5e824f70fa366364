"""What a model of automatic colour is, by whatever network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from ...pictures.decoding import ImageLike
from ..model import Model
from ..prepare import PrepareKeywords
from .anchors import Anchor
from .canvas import AutomaticCanvas

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..canvas import CanvasKeywords

__all__ = ["AutomaticModel"]


class AutomaticModel(Model):
    """Automatic colour: ``prepare`` a picture once, ``render`` it often.

    Use `colordeploy.load` to get one: "disco", or the bundle of an imported network.

    Attributes
    ----------
    anchored : bool
        Whether its canvases have anchors to edit; an imported network has one result and none.
    """

    anchored: ClassVar[bool]

    @abstractmethod
    def prepare(
        self,
        image: ImageLike,
        *,
        anchors: int = 8,
        seed: int = 0,
        **keywords: Unpack[PrepareKeywords],
    ) -> AutomaticCanvas:
        """Analyze a picture; see `Model.prepare`.

        Parameters
        ----------
        anchors : int
            How many to locate at most, at least 1; without a meaning where there are none.
        seed : int
            Of the choice of their places; without a meaning where there are none.

        Raises
        ------
        InputError
            For pictures that cannot be read or are empty, and numbers out of range.
        Cancelled
            When the token was cancelled.
        """

    def __call__(
        self,
        image: ImageLike,
        anchors: Sequence[Anchor] | None = None,
        sample: int = 0,
        **keywords: Unpack[CanvasKeywords],
    ) -> NDArray[Any]:
        """Prepare and render at once; (H, W, 3) uint8."""
        return self.prepare(image).render(anchors, sample, **keywords)
