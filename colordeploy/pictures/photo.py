"""A photo at two sizes: its own, where pixels are made, and the working one, where colours are."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..native import GuidedChroma, resample
from ..native.checks import thread_count
from ..native.color import AB_SCALE, Space
from ..trace import span
from .color import gray_of_lightness
from .decoding import ImageLike, read_lightness, read_luma
from .geometry import WorkingSize, pad_to_multiple, resize, working_shape
from .rendering import Rendering

__all__ = ["ChromaLayer", "Photo", "Space"]

ChromaLayer: TypeAlias = GuidedChroma
"""Colours of a photo for one guidance, at the working size, ready to be composed."""

_MAXIMUM = {"luma": 1.0, "lab": 100.0}  # of luma, and of CIE L


class Photo:
    """A photo at two sizes.

    Attributes
    ----------
    lightness : (H, W) float32 in [0, 1]
        What the result keeps: luma (BT.601 of the gamma-encoded values), or a hundredth of CIE L.
    working : (h, w) float32
        The same at the working size, as the networks are trained on it: luma in [0, 1], or CIE L
        in [0, 100].
    space : {"luma", "lab"}
        Which of the two.
    """

    def __init__(
        self,
        lightness: NDArray[np.float32],
        working: NDArray[np.float32],
        space: Space,
        threads: int | None,
    ) -> None:
        self.lightness, self.working, self.space = lightness, working, space
        self._threads = threads
        self._preview: tuple[tuple[int, int], NDArray[np.float32]] | None = None

    @classmethod
    def read(
        cls,
        image: ImageLike,
        size: WorkingSize,
        default: int,
        *,
        space: Space,
        threads: int | None = None,
        enlarged: bool = False,
    ) -> Photo:
        """Read a picture and bring it to its working size.

        Parameters
        ----------
        image : path, PIL image, or (H, W) or (H, W, 3) array
        size : int, "native" or None
            Short side of the working size; see `colordeploy.pictures.geometry.working_shape`.
        default : int
            The same for None.
        space : {"luma", "lab"}
        threads : int, optional
        enlarged : bool
            See `working_shape`, too.

        Raises
        ------
        InputError
            When it cannot be read, or the size is none.
        """
        with span("preprocessing"):
            read = read_luma if space == "luma" else read_lightness
            full = read(image, thread_count(threads))
            own = (full.shape[0], full.shape[1])
            shape = working_shape(own, size, default, enlarged=enlarged)
            maximum = np.float32(_MAXIMUM[space])
            working = np.clip(resize(full, shape, threads), np.float32(0), maximum)
            if space == "lab":  # never the caller's own: no picture comes as CIE L
                full /= maximum
            return cls(full, working, space, threads)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.lightness.shape[0], self.lightness.shape[1]

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width at which colours are computed."""
        return self.working.shape[0], self.working.shape[1]

    @property
    def lost_detail(self) -> bool:
        """Whether the working size is smaller: only then there are edges for chroma to follow."""
        return any(w < own for w, own in zip(self.working_size, self.size, strict=True))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        preview = self._preview
        held = self.lightness.nbytes + self.working.nbytes
        return held if preview is None else held + preview[1].nbytes

    def within(self, height: int, width: int) -> Photo:
        """The same photo with a working size that is nowhere larger than this."""
        if self.working_size[0] <= height and self.working_size[1] <= width:
            return self
        scale = min(height / self.size[0], width / self.size[1])
        shape = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
        maximum = np.float32(_MAXIMUM[self.space])
        working = resize(self.lightness * maximum, shape, self._threads)
        working = np.clip(working, np.float32(0), maximum)
        return Photo(self.lightness, working, self.space, self._threads)

    def halved(self, threads: int | None = None) -> Photo:
        """The same photo with half the working size, rounded up; its own pixels are shared."""
        height, width = self.working_size
        working = resize(self.working, ((height + 1) // 2, (width + 1) // 2), self._threads)
        working = np.clip(working, np.float32(0), np.float32(_MAXIMUM[self.space]))
        return Photo(self.lightness, working, self.space, threads)

    def in_luma(self) -> Photo:
        """The same photo in luma; what was CIE L becomes that of a grey picture of that L."""
        if self.space == "luma":
            return self
        hundred = np.float32(_MAXIMUM["lab"])
        lightness = gray_of_lightness(self.lightness * hundred)
        return Photo(lightness, gray_of_lightness(self.working), "luma", self._threads)

    def network_input(self, multiple: int) -> NDArray[np.float32]:
        """What the networks see: (1, 1, h', w') float32, sides padded to multiples by the edge.

        Luma as it is, in [0, 1]; CIE L as (L - 50) / 50, in [-1, 1].
        """
        plane = self.working
        if self.space == "lab":
            plane = (plane - np.float32(50)) / np.float32(50)
        return pad_to_multiple(plane, multiple)[None, None]

    def layer(self, chroma: NDArray[np.floating]) -> ChromaLayer:
        """Chroma ready to be composed with this photo's lightness.

        Parameters
        ----------
        chroma : (h, w, 2) float
            Of BT.601 (space "luma"), or CIE a and b (space "lab"), at the working size.
        """
        with span("upsampling"):
            scaled, light = chroma, self.working
            if self.space == "lab":
                scaled = chroma / np.float32(AB_SCALE)
                light = light / np.float32(_MAXIMUM["lab"])
            return GuidedChroma(scaled, light, space=self.space, follow=self.lost_detail)

    def compose(
        self, layer: ChromaLayer, rendering: Rendering, cancel: CancelToken | None = None
    ) -> NDArray[Any]:
        """Make the wanted pixels: the photo's own lightness with a layer's chroma."""
        with span("upsampling"):
            lightness = self.lightness
            if rendering.shape != self.size:
                lightness = self._reduced(rendering.shape, cancel)
            return layer.compose(
                lightness,
                region=rendering.region,
                output=rendering.output,
                saturation=rendering.saturation,
                out=rendering.pixels,
                threads=self._threads,
                cancel=cancel,
            )

    def _reduced(self, shape: tuple[int, int], cancel: CancelToken | None) -> NDArray[np.float32]:
        """The lightness at a preview's size; the last one is kept, for previews come in rows."""
        preview = self._preview  # read once: another thread may put its own there
        if preview is None or preview[0] != shape:
            plane = resample(self.lightness, shape, threads=self._threads, cancel=cancel)
            preview = self._preview = shape, np.clip(plane, np.float32(0), np.float32(1))
        return preview[1]
