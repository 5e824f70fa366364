"""The record of a method: all that other rooms may ask about one, so that none compares names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..runtime.graph import Graph
    from .model import Model, ModelOptions

__all__ = ["FreeDimension", "GraphLoader", "Method", "Subject"]

GraphLoader: TypeAlias = "Callable[[str], Graph]"
"""From a graph's name to the loaded graph; a model is given one and never chooses another."""

Subject = Literal["photo", "drawing"]
Picture: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class FreeDimension:
    """Range of a free dimension of a graph, for engines that are built for a range of sizes.

    Attributes
    ----------
    minimum, optimum, maximum : callable
        From the working picture's height and width in pixels, padding included, to a size.
    """

    minimum: Callable[[int, int], int]
    optimum: Callable[[int, int], int]
    maximum: Callable[[int, int], int]


@dataclass(frozen=True)
class Method:
    """What a method is to the rest of the house.

    Attributes
    ----------
    name : str
        As in ``manifest.json`` and `colordeploy.load`.
    summary : str
        One line for lists.
    subject : {"photo", "drawing"}
        What it colours: the kind of picture to calibrate, measure and check it with.
    command : str
        The subcommand of ``colordeploy`` that runs it.
    create : callable
        Makes a model from an opened bundle (None for a method without one), a loader of its graphs
        and the options of `colordeploy.load`. Raises BundleError when the bundle describes none.
    bundled : bool
        False for a method without networks, which is known by its name alone.
    multiple : str
        Parameter of the bundle that the working picture's sides are padded to a multiple of.
    dimensions : mapping of str to FreeDimension
        Free dimensions of its graphs besides "batch", "height" and "width".
    example_guidance : callable
        From a model, its canvas, the picture (H, W, 3) uint8 and a random generator to the first
        argument of ``render``, as a user of such a picture would give it.
    example_edit : callable
        From the same and the guidance before to the guidance after an edit.
    encode_guidance : callable or None
        From a model and guidance as a file gives it to the form that serves many pictures; takes
        the keywords of ``prepare``, too. None where there is no such step.
    share_guidance : callable
        From guidance of one model and the same of another model of this method to what the other
        should be given, so that choices that the last digit of a network decides are the first's.
    """

    name: str
    summary: str
    subject: Subject
    command: str
    create: Callable[[Bundle | None, GraphLoader, ModelOptions], Model]
    example_guidance: Callable[[Any, Any, Picture, np.random.Generator], Any]
    example_edit: Callable[[Any, Any, Picture, np.random.Generator, Any], Any]
    bundled: bool = True
    multiple: str = "multiple"
    dimensions: Mapping[str, FreeDimension] = field(default_factory=dict)
    encode_guidance: Callable[..., Any] | None = None
    share_guidance: Callable[[Any, Any], Any] = lambda first, other: first
