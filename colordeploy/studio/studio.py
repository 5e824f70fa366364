"""What the service does, without any HTTP: pictures in, canvases, pixels out; models are shared."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle, default_bundles
from ..cancellation import CancelToken
from ..errors import InputError
from ..methods import all_methods
from ..models import load, model_names
from ..pictures.encoding import Options, encode
from ..pictures.picture import Picture
from ..pictures.rendering import preview_shape
from .guidance import Arguments, arguments_of
from .insight import affinities, anchor, matches, regions, require
from .layers import document_of
from .limits import Limits
from .store import HeldCanvas, HeldPicture, Store
from .views import View, gray_of, guidance_is_empty, place_of

__all__ = ["FILES", "Studio"]

LAYERS = "layers"
FILES: dict[str, tuple[str, str, str, int]] = {  # media type, suffix, form, bits a sample
    "png": ("image/png", "png", "PNG", 8),
    "png16": ("image/png", "png", "PNG", 16),
    "jpeg": ("image/jpeg", "jpg", "JPEG", 8),
    "webp": ("image/webp", "webp", "WEBP", 8),
    "tiff": ("image/tiff", "tif", "TIFF", 8),
    "tiff16": ("image/tiff", "tif", "TIFF", 16),
    "ora": ("image/openraster", "ora", LAYERS, 8),
}


class Studio:
    """Pictures, canvases and models. Its methods block; they may be called from several threads.

    Parameters
    ----------
    limits : Limits
    loader : callable
        From a model's name, or a bundle's path, to a model; `colordeploy.load` with a backend and a
        device, say.
    bundles : sequence of path
        Of further models, known by the names in their manifests.

    Raises
    ------
    BundleError
        When there is no such bundle or it is damaged.
    InputError
        When two models have one name.
    """

    def __init__(
        self,
        limits: Limits,
        loader: Callable[[str], Any] = load,
        bundles: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        self.limits = limits
        self.store = Store(limits)
        self._loader = loader
        self._bundles = {name: Bundle(path) for name, path in default_bundles().items()}
        for path in bundles:
            self._add_bundle(Bundle(path))
        self._models: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(limits.work)

    def models(self) -> list[dict[str, Any]]:
        """Names of the models, what each is a tool for, and what it takes."""
        methods = {method.name: method for method in all_methods()}
        found = []
        for name in self._names():
            bundle = self._bundles.get(name)
            method = methods[name if bundle is None else bundle.manifest.method]
            found.append(
                {
                    "name": name,
                    "tool": method.command,
                    "subject": method.subject,
                    "summary": method.summary,
                }
            )
        return found

    def model(self, name: str) -> Any:
        """A model, loaded when it is wanted for the first time."""
        if name not in self._names():  # never a path
            raise InputError(f"there is no model {name!r}; there are {', '.join(self._names())}")
        with self._lock:
            if name not in self._models:
                named = name in model_names()
                self._models[name] = self._loader(name if named else str(self._bundles[name].path))
            return self._models[name]

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*model_names(), *self._bundles]))

    def _add_bundle(self, bundle: Bundle) -> None:
        name = bundle.manifest.name
        if name in self._names():
            raise InputError(
                f"{bundle.path} has the name {name!r}, as another model has; import it with --name"
            )
        if bundle.manifest.method not in {method.name for method in all_methods()}:
            raise InputError(
                f"{bundle.path}: method {bundle.manifest.method!r} is not known to this version"
            )
        self._bundles[name] = bundle

    def add_picture(self, data: bytes, name: str) -> HeldPicture:
        """Decode a file; only its bytes are looked at, the name is for messages."""
        with self._turns:
            return self.store.add_picture(
                Picture.from_bytes(data, name, max_pixels=self.limits.pixels)
            )

    def prepare(
        self, picture: HeldPicture, name: str, keywords: dict[str, Any], cancel: CancelToken
    ) -> HeldCanvas:
        """A canvas of a picture for a model."""
        model = self.model(name)
        command = next(m.command for m in all_methods() if m.name == model.method)
        if command != "auto" and set(keywords) - {"size"}:
            raise InputError(f"{name} is prepared with a size only; anchors and seed are for auto")
        self._check_working_size(picture.picture.size, keywords.get("size"))
        with self._turns:
            canvas = model.prepare(picture.picture, cancel=cancel, **keywords)
        return self.store.add_canvas(canvas, name, command, picture)

    def _check_working_size(self, picture: tuple[int, int], size: Any) -> None:
        """InputError for one that takes more memory than clients may ask for; others are checked
        where they are used.
        """
        if size is None or not (isinstance(size, int) or size == "native"):
            return
        height, width = picture if size == "native" else preview_shape(picture, size)
        if height * width > self.limits.working:
            raise InputError(
                f"a working size of {width}x{height} pixels is beyond this service's limit of "
                f"{self.limits.working} pixels; choose a smaller size"
            )

    def prepare_draft(self, held: HeldCanvas, cancel: CancelToken) -> None:
        """Prepare the coarser canvas, where the method has one and nobody did yet."""
        if held.command != "scribble" or held.draft is not None:
            return
        with self._turns:
            draft = held.canvas.draft(cancel=cancel)
        held.draft = draft

    def render(
        self, held: HeldCanvas, guidance: Any, view: View, cancel: CancelToken
    ) -> NDArray[np.uint8]:
        """Pixels for a screen: RGBA of a region or a preview, (h, w, 4) uint8."""
        region, shape = place_of(view, held.canvas.size)
        pixels = np.empty((*shape, 4), np.uint8)
        pixels[..., 3] = 255
        keywords = {
            "region": region,
            "size": view.get("size"),
            "out": pixels[..., :3],
            "cancel": cancel,
        }
        if "saturation" in view:
            keywords["saturation"] = view["saturation"]
        if not guidance_is_empty(held.command, guidance):
            self._render(held, guidance, keywords, draft=view.get("draft", False))
            return pixels
        pixels[..., :3] = gray_of(held.source.picture, region, shape)
        return pixels

    def save(
        self, held: HeldCanvas, guidance: Any, kind: str, view: View, cancel: CancelToken
    ) -> tuple[bytes, str]:
        """A file of the whole result, with what the picture's file carried; and its suffix."""
        if kind not in FILES:
            raise InputError(f"format must be one of {', '.join(FILES)}, not {kind!r}")
        _, suffix, form, depth = FILES[kind]
        empty = guidance_is_empty(held.command, guidance)
        keywords: dict[str, Any] = {"cancel": cancel, "size": view.get("size")}
        if "saturation" in view:
            keywords["saturation"] = view["saturation"]
        file = io.BytesIO()
        if form == LAYERS:
            arguments = None if empty else self._arguments(held, guidance)
            with self._turns:
                document_of(held, arguments, view.get("saturation", 1.0), cancel).write(file)
            return file.getvalue(), suffix
        if empty:
            _, shape = place_of({"size": view.get("size")}, held.canvas.size)
            pixels: Any = np.repeat(gray_of(held.source.picture, None, shape), 3, axis=-1)
            pixels = pixels.astype(np.uint16) * 257 if depth == 16 else pixels
        else:
            output = "rgb16" if depth == 16 else "rgb8"
            pixels = self._render(held, guidance, keywords | {"output": output})
        with self._turns:
            encode([(pixels, held.source.picture)], form, Options(depth), file, "the result")
        return file.getvalue(), suffix

    def affinities(self, held: HeldCanvas, y: Any, x: Any, size: int | None) -> bytes:
        """Affinity of one pixel with every other: a grey PNG."""
        with self._turns:
            return affinities(held, y, x, size)

    def regions(self, held: HeldCanvas, size: int | None) -> bytes:
        """Labels of a drawing's regions: a PNG."""
        with self._turns:
            return regions(held, size)

    def anchor(self, held: HeldCanvas, y: Any, x: Any) -> dict[str, Any]:
        """An anchor for a place, with its candidates."""
        with self._turns:
            return anchor(held, y, x)

    def matches(self, held: HeldCanvas, points: Any, reference: str) -> dict[str, Any]:
        """Where places of the picture look in an example."""
        require(held, "exemplar", "matches")
        encoded = self._reference(held, reference)
        with self._turns:
            return matches(held, points, encoded)

    def close(self) -> None:
        """Free everything."""
        self.store.close()
        with self._lock:
            for model in self._models.values():
                model.close()
            self._models.clear()

    def _render(
        self, held: HeldCanvas, guidance: Any, keywords: dict[str, Any], *, draft: bool = False
    ) -> Any:
        arguments = self._arguments(held, guidance)
        canvas = held.draft if draft and held.draft is not None else held.canvas
        with self._turns:
            return canvas.render(**arguments, **keywords)

    def _arguments(self, held: HeldCanvas, guidance: Any) -> Arguments:
        return arguments_of(held, guidance, lambda name: self._reference(held, name))

    def _reference(self, held: HeldCanvas, name: str) -> Any:
        """A picture as an example, encoded once for each model."""
        picture = self.store.picture(name)
        if held.model not in picture.references:
            model = self.model(held.model)
            with self._turns:
                picture.references[held.model] = model.encode_reference(picture.picture)
        return picture.references[held.model]
