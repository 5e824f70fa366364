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
    from .methods.automatic import Anchor
    from .models import load
    from .pictures.encoding import save_picture
    from .pictures.picture import Picture
    from .pictures.strokes import Stroke

__all__ = [
    "Anchor",
    "CancelToken",
    "Picture",
    "Stroke",
    "__version__",
    "errors",
    "load",
    "native",
    "save_picture",
]

_HOMES = {
    "load": ".models",
    "Picture": ".pictures.picture",
    "Stroke": ".pictures.strokes",
    "Anchor": ".methods.automatic",
    "CancelToken": ".cancellation",
    "save_picture": ".pictures.encoding",
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
        from importlib.metadata import version

        return version("colordeploy")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
