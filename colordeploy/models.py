"""`load`: from a model's name to a model that is ready to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, overload

from .bundle import Bundle, find_bundle
from .errors import BundleError
from .methods.automatic import AutomaticModel, disco_model
from .methods.exemplar import ExemplarModel, sscn_model
from .methods.model import Model
from .methods.scribble import ScribbleModel, levin_model, lga_model
from .methods.sketch import LineArtModel, rasc_model
from .runtime.graph import Target, parse_target
from .runtime.providers import ProviderOptions

__all__ = ["load"]

_METHODS: dict[str, Callable[[Bundle, Target], Model]] = {
    "lga": lga_model,
    "disco": disco_model,
    "rasc": rasc_model,
    "sscn": sscn_model,
}


@overload
def load(
    name: Literal["levin", "lga"],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> ScribbleModel: ...


@overload
def load(
    name: Literal["disco"],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> AutomaticModel: ...


@overload
def load(
    name: Literal["rasc"],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> LineArtModel: ...


@overload
def load(
    name: Literal["sscn"],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> ExemplarModel: ...


@overload
def load(
    name: str | os.PathLike[str],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> Any: ...


def load(
    name: str | os.PathLike[str],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    name : str or path
        "levin", "lga", "disco", another bundle of the package, or the path of a bundle (a folder
        or a .zip of one).
    backend : {"auto", "onnxruntime", "openvino", "tensorrt"}
        Who runs the graphs.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    threads : int, optional
        CPU threads of the graphs and of the compiled core; by default as many as there are cores.
    precision : {"auto", "fp32", "fp16", "bf16", "int8"}
        What graphs are computed in; "auto" is float32, but for TensorRT the newest engine's. On
        CPUs that have it (AMX, AVX-512) "bf16" is several times faster; docs/deploying.md says how
        far colours are off.
    options : ProviderOptions, optional
        How ONNX Runtime runs the graphs; see `colordeploy.runtime.ProviderOptions`.

    Returns
    -------
    ScribbleModel, AutomaticModel, LineArtModel or ExemplarModel
        By the bundle's method.

    Raises
    ------
    BundleError
        When there is no such bundle or it is damaged.
    BackendError
        When the backend or the device cannot be used.

    Examples
    --------
    >>> import colordeploy
    >>> model = colordeploy.load("lga")                     # doctest: +SKIP
    >>> canvas = model.prepare("photo.png")                 # doctest: +SKIP
    >>> rgb = canvas.render("strokes.png")                  # doctest: +SKIP
    """
    target = parse_target(backend, device, threads, precision, options)
    if name == "levin":
        return levin_model(threads)
    return model_of(find_bundle(name), target)


def model_of(bundle: Bundle, target: Target) -> Model:
    """A model out of an opened bundle; see `load`."""
    method = bundle.manifest.method
    if target.precision != "auto":
        bundle.require_precision(target.precision)
    if method not in _METHODS:
        raise BundleError(
            f"{bundle.path}: method {method!r} is not known to this version; it knows "
            f"{', '.join(map(repr, _METHODS))}"
        )
    return _METHODS[method](bundle, target)
