"""`load`: from a model's name to a model that is ready to run."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from .bundle import Bundle, find_bundle
from .cancellation import CancelToken
from .errors import BackendError, BundleError, InputError
from .loading import graph_loader
from .methods import GraphLoader, Method, all_methods, find_method
from .methods.model import Model, ModelOptions
from .methods.steps import Progress, Steps
from .runtime.graph import Target, parse_target
from .runtime.providers import ProviderOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .methods.automatic import AutomaticModel
    from .methods.exemplar import ExemplarModel
    from .methods.line_art import LineArtModel
    from .methods.scribble import ScribbleModel

__all__ = ["LoadKeywords", "load", "model_names", "model_of"]

_BUILDS = ("missing", "never", "always")


class LoadKeywords(TypedDict, total=False):
    """Keyword arguments of `load`, see there."""

    backend: str
    device: str
    threads: int | None
    precision: str
    options: ProviderOptions | None
    build: Literal["missing", "never", "always"]
    max_concurrency: int | None
    cancel: CancelToken | None
    progress: Progress | None


@overload
def load(name: Literal["levin", "lga"], **keywords: Unpack[LoadKeywords]) -> ScribbleModel: ...


@overload
def load(name: Literal["disco"], **keywords: Unpack[LoadKeywords]) -> AutomaticModel: ...


@overload
def load(name: Literal["rasc"], **keywords: Unpack[LoadKeywords]) -> LineArtModel: ...


@overload
def load(name: Literal["sscn"], **keywords: Unpack[LoadKeywords]) -> ExemplarModel: ...


@overload
def load(name: str | os.PathLike[str], **keywords: Unpack[LoadKeywords]) -> Any: ...


def load(
    name: str | os.PathLike[str],
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    options: ProviderOptions | None = None,
    build: Literal["missing", "never", "always"] = "missing",
    max_concurrency: int | None = None,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    name : str or path
        "levin", the name of a bundle of the package ("lga", "disco", "sscn", "rasc"), or the path
        of a bundle (a folder or a .zip of one).
    backend : {"auto", "onnxruntime", "openvino", "tensorrt"}
        The runtime that computes the graphs.
    device : str
        "auto", "cpu", "cuda" or "cuda:N". A device that is named is used by the graphs and by the
        solver, or it is an error; what "auto" chose is logged.
    threads : int, optional
        CPU threads of the graphs and of the compiled core; by default as many as this process may
        use.
    precision : {"auto", "fp32", "fp16", "bf16", "int8"}
        What graphs are computed in; "auto" is what the bundle is in, float32 or INT8. On
        CPUs that have it (AMX, AVX-512) "bf16" is several times faster; docs/deploying.md says how
        far colours are off.
    options : ProviderOptions, optional
        How ONNX Runtime runs the graphs; see `colordeploy.ProviderOptions`.
    build : {"missing", "never", "always"}
        Whether TensorRT engines are built at load: those that are missing, none (an error when one
        is missing), or all of them anew.
    max_concurrency : int, optional
        How many prepares and renders of this model run at once; the others wait, so that memory is
        bounded. By default there is no limit.
    cancel : CancelToken, optional
        Ends loading with `errors.Cancelled`.
    progress : callable, optional
        Called with the share done in [0, 1] and what is being loaded.

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
    InputError
        For arguments out of range.
    Cancelled
        When the token was cancelled.

    Examples
    --------
    >>> import colordeploy
    >>> model = colordeploy.load("lga")                     # doctest: +SKIP
    >>> canvas = model.prepare("photo.png")                 # doctest: +SKIP
    >>> rgb = canvas.render("strokes.png")                  # doctest: +SKIP
    """
    target = parse_target(backend, device, threads, precision, options)
    if build not in _BUILDS:
        raise InputError(f"unknown build {build!r}; use one of {', '.join(_BUILDS)}")
    chosen = ModelOptions(target.device, target.threads, _checked_limit(max_concurrency))
    steps = Steps(cancel, progress)
    method = find_method(name) if isinstance(name, str) else None
    if method is not None and not method.bundled:
        _refuse_graph_options(method, target)
        steps(0.0, f"loading {method.name}")
        model = method.create(None, _no_graphs, chosen)
        steps(1.0, "done")
        return model
    others = [known.name for known in all_methods() if not known.bundled]
    bundle = find_bundle(name, others)
    loader = graph_loader(
        bundle, target, build=build, cancel=cancel,
        progress=lambda share, what: steps(0.0, f"{what} ({share:.0%} of the engines)"),
    )  # fmt: skip
    return model_of(bundle, loader, chosen, steps)


def model_of(
    bundle: Bundle,
    load_graph: GraphLoader,
    options: ModelOptions | None = None,
    steps: Steps | None = None,
) -> Model:
    """A model out of an opened bundle whose graphs a loader gives.

    Parameters
    ----------
    bundle : Bundle
    load_graph : callable
        From a graph's name to the loaded graph, see `colordeploy.loading.graph_loader`.
    options : ModelOptions, optional
    steps : Steps, optional
        Progress and cancellation.

    Raises
    ------
    BundleError
        When this version does not know the bundle's method, or the bundle does not describe one.
    """
    method = find_method(bundle.manifest.method)
    if method is None or not method.bundled:
        known = ", ".join(repr(m.name) for m in all_methods() if m.bundled)
        raise BundleError(
            f"{bundle.path}: method {bundle.manifest.method!r} is not known to this version; it "
            f"knows {known}"
        )
    reported = steps or Steps()
    done = itertools.count()
    every = len(bundle.manifest.graphs)

    def loaded(name: str) -> Any:
        reported(next(done) / every, f"loading {name}")
        return load_graph(name)

    model = method.create(bundle, loaded, options or ModelOptions())
    try:
        reported(1.0, "done")
    except BaseException:
        model.close()
        raise
    return model


def model_names() -> list[str]:
    """Names that `load` knows: methods without a bundle, then the package's bundles."""
    from .bundle import default_bundles

    return [*(m.name for m in all_methods() if not m.bundled), *default_bundles()]


def _no_graphs(name: str) -> Any:
    raise BundleError(f"this method has no graph {name!r}")


def _refuse_graph_options(method: Method, target: Target) -> None:
    """What only networks can heed: BackendError for a method that has none."""
    plain = ProviderOptions()
    asked = {
        "backend": target.backend != "auto",
        "precision": target.precision not in ("auto", "fp32"),
        "options": target.options != plain,
    }
    for name, given in asked.items():
        if given:
            raise BackendError(
                f"{method.name} has no networks, so {name} has nothing to act on; leave it out"
            )


def _checked_limit(limit: int | None) -> int | None:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(
            f"max_concurrency must be a whole number of at least 1, or None; got {limit!r}"
        )
    return limit
