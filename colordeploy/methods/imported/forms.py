"""Descriptions of a network's tensors, as people write them: ``l-half+ab-110``, ``unmarked/2``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .planes import INPUTS, OUTPUTS, Output, Seen

__all__ = ["InputForm", "OutputForm"]

_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class InputForm:
    """One input of a network: channels of a picture, or a mask as a list of cells.

    Attributes
    ----------
    planes : tuple of str
        Of `INPUTS`, one channel after another.
    cell : int or None
        Side of the cells of a mask (1, n), which has a value for each, in reading order; None for a
        picture.
    """

    planes: tuple[str, ...]
    cell: int | None = None

    @classmethod
    def parse(cls, text: str) -> InputForm:
        """Read ``plane+plane`` or ``mask/cell``.

        Raises
        ------
        InputError
            When it is none of these.
        """
        names, cell = _divided("input", text)
        planes = tuple(names.split("+"))
        for name in planes:
            if name not in INPUTS:
                raise InputError(
                    f"unknown input {name!r}; use one of {', '.join(INPUTS)}, several joined by + "
                    "for one input of several channels"
                )
        if cell is not None and planes not in (("marked",), ("unmarked",)):
            raise InputError(f"input {text!r}: only a mask is given as a list of cells: unmarked/2")
        return cls(planes, cell)

    @property
    def channels(self) -> int:
        """Of the input."""
        return sum(INPUTS[name].channels for name in self.planes)

    @property
    def hints(self) -> bool:
        """Whether hints go into it."""
        return any(INPUTS[name].hint for name in self.planes)

    def encoded(self, seen: Seen, layout: str) -> _F32:
        """The input (1, channels, h, w), (1, h, w, channels) or (1, cells) for a picture."""
        values = np.concatenate([INPUTS[name].of(seen) for name in self.planes], axis=2)
        if self.cell is not None:
            values = values[:: self.cell, :: self.cell].reshape(1, -1)
        elif layout == "NCHW":
            values = np.moveaxis(values, -1, 0)[None]
        else:
            values = values[None]
        return np.ascontiguousarray(values, np.float32)

    def __str__(self) -> str:
        """As it was written."""
        return "+".join(self.planes) + ("" if self.cell is None else f"/{self.cell}")


@dataclass(frozen=True)
class OutputForm:
    """A network's output: a picture, or patches of it.

    Attributes
    ----------
    kind : str
        One of `OUTPUTS`.
    patch : int or None
        Side of the patches of an output (1, patches, pixels x channels); None for a picture.
    """

    kind: str
    patch: int | None = None

    @classmethod
    def parse(cls, text: str) -> OutputForm:
        """Read ``kind`` or ``kind/patch``.

        Raises
        ------
        InputError
            When it is none of these.
        """
        kind, patch = _divided("output", text)
        if kind not in OUTPUTS:
            raise InputError(f"unknown output {kind!r}; use one of {', '.join(OUTPUTS)}")
        return cls(kind, patch)

    @property
    def output(self) -> Output:
        """The kind itself."""
        return OUTPUTS[self.kind]

    def shape(self, layout: str, size: tuple[int, int]) -> tuple[int, ...]:
        """What an output for a picture of a size (h, w) has to have; patches are of that size."""
        channels = self.output.channels
        if self.patch is None:
            return (1, channels, *size) if layout == "NCHW" else (1, *size, channels)
        height, width = size
        count = (height // self.patch) * (width // self.patch)
        return 1, count, self.patch * self.patch * channels

    def holds(self, shape: tuple[int, ...], layout: str, size: tuple[int, int]) -> bool:
        """Whether an output has a shape that can be read; a picture's sides may be smaller."""
        wanted = self.shape(layout, size)
        if self.patch is not None:
            return shape == wanted
        axis = 1 if layout == "NCHW" else 3
        return len(shape) == 4 and shape[0] == 1 and shape[axis] == wanted[axis] and min(shape) > 0

    def planes(self, found: NDArray[Any], layout: str, size: tuple[int, int]) -> _F32:
        """The output for a picture of a size as (h', w', channels) float32."""
        values = np.asarray(found[0], np.float32)
        if self.patch is None:
            return np.moveaxis(values, 0, -1) if layout == "NCHW" else values
        side, (height, width) = self.patch, size
        rows, columns = height // side, width // side
        patches = values.reshape(rows, columns, side, side, self.output.channels)
        return patches.swapaxes(1, 2).reshape(rows * side, columns * side, -1)


def _divided(what: str, text: str) -> tuple[str, int | None]:
    """A name, and the number of pixels behind a slash."""
    name, slash, number = text.partition("/")
    if not slash:
        return name, None
    if not number.isdecimal() or not 1 <= int(number) <= 1024:
        raise InputError(f"{what} {text!r}: behind the slash is a side of 1 to 1024 pixels")
    return name, int(number)
