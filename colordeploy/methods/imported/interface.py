"""What an imported network wants and gives, as data in its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bundle import Bundle
from ...errors import BundleError, InputError
from ...native.color import Space
from ...pictures.color import gray_of_lightness, lightness_of_gray
from .forms import InputForm, OutputForm
from .hints import Hints
from .planes import Seen

__all__ = ["LAYOUTS", "NetworkInterface", "interface_of"]

LAYOUTS = ("NCHW", "NHWC")
_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class NetworkInterface:
    """How a picture goes into an imported network, and how chroma comes out.

    Attributes
    ----------
    inputs : tuple of str
        One for each input of the graph, in its order. Channels of a picture, joined by "+": CIE L
        in [0, 100] ("l-100"), as (L - 50) / 50 or / 100 ("l-unit", "l-half"), luma in [0, 1]
        ("y"), grey as RGB in [0, 1], in [0, 255] or normalized as for ImageNet ("rgb", "rgb-255",
        "rgb-imagenet"), CIE a and b of hints, or a 110th or 128th of them ("ab", "ab-110",
        "ab-128"), 1 at hints or 1 elsewhere ("marked", "unmarked"). Or such a mask as a list of
        cells of n x n pixels: "unmarked/n".
    output : str
        CIE a and b, or a 110th or 128th of them ("ab", "ab-110", "ab-128"), chroma U and V of
        BT.601 ("uv"), logits of the 313 bins of Zhang et al. ("bins-313"), or RGB as for the input,
        whose chroma is taken. In patches of n x n pixels, one after another: "ab/n".
    layout : str
        "NCHW" or "NHWC", of all pictures.
    sides : (height, width) or None
        The only size it works at; None: any.
    multiple : int
        Of which sides must be whole multiples.
    """

    inputs: tuple[str, ...]
    output: str
    layout: str = "NCHW"
    sides: tuple[int, int] | None = None
    multiple: int = 1

    @cached_property
    def input_forms(self) -> tuple[InputForm, ...]:
        """The inputs, read; InputError for what is none."""
        return tuple(InputForm.parse(text) for text in self.inputs)

    @cached_property
    def output_form(self) -> OutputForm:
        """The output, read; InputError for what is none."""
        return OutputForm.parse(self.output)

    @property
    def space(self) -> Space:
        """Whether luma or CIE L is kept."""
        return self.output_form.output.space

    @property
    def hints(self) -> bool:
        """Whether it takes hints."""
        return any(form.hints for form in self.input_forms)

    @property
    def cell(self) -> int:
        """Side of the cells that a hint fills, in pixels."""
        return max(form.cell or 1 for form in self.input_forms)

    def padded_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size at which the network sees a picture of a working size."""
        if self.sides is not None:
            return self.sides
        height, width = (-(-side // self.multiple) * self.multiple for side in size)
        return height, width

    def encoded(self, lightness: _F32, hints: Hints | None = None) -> list[_F32]:
        """The network's inputs for a plane (h, w) of the photo's working lightness.

        Parameters
        ----------
        lightness : (h, w) float32
            CIE L in [0, 100] where that is kept, else luma in [0, 1].
        hints : Hints, optional
            Of that size.
        """
        height, width = self.padded_size((lightness.shape[0], lightness.shape[1]))
        pad = (0, height - lightness.shape[0]), (0, width - lightness.shape[1])
        plane = np.pad(lightness, pad, mode="edge")
        if self.space == "lab":
            gray = gray_of_lightness(plane)
        else:
            gray, plane = plane, lightness_of_gray(plane)
        given = (hints or Hints.none(lightness.shape)).padded(pad).in_cells(self.cell)
        seen = Seen(plane, gray, given.ab, given.marked)
        return [form.encoded(seen, self.layout) for form in self.input_forms]

    def planes(self, found: NDArray[Any], size: tuple[int, int]) -> _F32:
        """The output for a padded picture of a size (h, w) as (h', w', channels) float32."""
        return self.output_form.planes(found, self.layout, size)

    def chroma(self, found: NDArray[Any], size: tuple[int, int]) -> _F32:
        """Chroma (h', w', 2) of the output: CIE a and b, or U and V."""
        chroma = self.output_form.output.chroma(self.planes(found, size))
        return chroma.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {
            "inputs": list(self.inputs),
            "output": self.output,
            "layout": self.layout,
            "sides": None if self.sides is None else list(self.sides),
            "multiple": self.multiple,
        }


def interface_of(bundle: Bundle) -> NetworkInterface:
    """The interface that a bundle describes.

    Raises
    ------
    BundleError
        When it describes none that is known.
    """
    given = bundle.parameter("interface")
    try:
        values = dict(given)
        values["inputs"] = tuple(map(str, values["inputs"]))
        if values["sides"] is not None:
            height, width = values["sides"]
            values["sides"] = height, width
        interface = NetworkInterface(**values)
    except (TypeError, KeyError, ValueError):
        raise BundleError(
            f"{bundle.path}: the parameter 'interface' is no description of a network: {given!r}; "
            "import the network again"
        ) from None
    try:
        _ = interface.input_forms, interface.output_form
    except InputError as error:
        raise BundleError(
            f"{bundle.path}: this version does not know the interface: {error}"
        ) from None
    if interface.layout not in LAYOUTS:
        raise BundleError(
            f"{bundle.path}: interface layout {interface.layout!r} is not known to this version; "
            f"it knows {', '.join(LAYOUTS)}"
        )
    sides = [interface.multiple, *(interface.sides or ())]
    if any(isinstance(s, bool) or not isinstance(s, int) or s < 1 for s in sides):
        raise BundleError(
            f"{bundle.path}: interface sides and multiple must be whole numbers of at least 1, not "
            f"{interface.sides!r} and {interface.multiple!r}; import the network again"
        )
    return interface
