"""Image colorization for products: strokes in, colour out.

>>> import colordeploy
>>> model = colordeploy.load("lga")                         # doctest: +SKIP
>>> canvas = model.prepare("photo.png")                     # doctest: +SKIP
>>> rgb = canvas.render("strokes.png")                      # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors, native
    from .cancellation import CancelToken
    from .memory import trim
    from .methods.automatic import Anchor, AutomaticCanvas, AutomaticModel
    from .methods.exemplar import ExemplarCanvas, ExemplarModel, Match, Reference
    from .methods.line_art import LineArtCanvas, LineArtModel
    from .methods.scribble import ScribbleCanvas, ScribbleModel
    from .models import load
    from .pictures.encoding import save_picture
    from .pictures.picture import Picture
    from .pictures.strokes import Stroke
    from .runtime.providers import ProviderOptions

__all__ = [
    "Anchor",
    "AutomaticCanvas",
    "AutomaticModel",
    "CancelToken",
    "ExemplarCanvas",
    "ExemplarModel",
    "LineArtCanvas",
    "LineArtModel",
    "Match",
    "Picture",
    "ProviderOptions",
    "Reference",
    "ScribbleCanvas",
    "ScribbleModel",
    "Stroke",
    "__version__",
    "errors",
    "load",
    "native",
    "save_picture",
    "trim",
]

_HOMES = {
    "Anchor": ".methods.automatic.anchors",
    "AutomaticCanvas": ".methods.automatic",
    "AutomaticModel": ".methods.automatic",
    "CancelToken": ".cancellation",
    "ExemplarCanvas": ".methods.exemplar",
    "ExemplarModel": ".methods.exemplar",
    "LineArtCanvas": ".methods.line_art",
    "LineArtModel": ".methods.line_art",
    "Match": ".methods.exemplar",
    "Picture": ".pictures.picture",
    "ProviderOptions": ".runtime.providers",
    "Reference": ".methods.exemplar.reference",
    "ScribbleCanvas": ".methods.scribble",
    "ScribbleModel": ".methods.scribble",
    "Stroke": ".pictures.strokes",
    "load": ".models",
    "save_picture": ".pictures.encoding",
    "trim": ".memory",
}
_MODULES = ("errors", "native")

# What the package has to say is the host's to show; without this Python would write to stderr.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import on first use: importing the package itself must be fast."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name], __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name == "__version__":
        from ._version import __version__

        return __version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
