"""What the service does, without any HTTP: pictures in, canvases, pixels out; models are shared."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

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
from .guidance import arguments_of
from .limits import Limits
from .store import HeldCanvas, HeldPicture, Store

__all__ = ["FILES", "Studio", "View", "view_of"]

View = dict[str, Any]
FILES: dict[str, tuple[str, str, int]] = {  # media type, Pillow's name, bits a sample
    "png": ("image/png", "PNG", 8),
    "png16": ("image/png", "PNG", 16),
    "jpeg": ("image/jpeg", "JPEG", 8),
    "webp": ("image/webp", "WEBP", 8),
    "tiff": ("image/tiff", "TIFF", 8),
    "tiff16": ("image/tiff", "TIFF", 16),
}
_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "TIFF": "tif"}


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
        with self._turns:
            canvas = model.prepare(picture.picture, cancel=cancel, **keywords)
        return self.store.add_canvas(canvas, name, command, picture)

    def render(
        self, held: HeldCanvas, guidance: Any, view: View, cancel: CancelToken
    ) -> NDArray[np.uint8]:
        """Pixels for a screen: RGBA of a region or a preview, (h, w, 4) uint8."""
        region, size = view.get("region"), view.get("size")
        if region is not None:
            if not (isinstance(region, list) and len(region) == 4):
                raise InputError(f"a region is [y0, x0, y1, x1], not {region!r:.60}")
            if not all(isinstance(v, int) for v in region):
                raise InputError(f"a region is four whole numbers, not {region!r:.60}")
            region = tuple(region)
            shape = max(0, region[2] - region[0]), max(0, region[3] - region[1])
            if not (0 <= region[0] < region[2] <= held.canvas.size[0]) or not (
                0 <= region[1] < region[3] <= held.canvas.size[1]
            ):
                raise InputError(
                    f"the region {list(region)} is empty or leaves the picture of "
                    f"{held.canvas.size[1]}x{held.canvas.size[0]} pixels"
                )
        else:
            shape = held.canvas.size if size is None else preview_shape(held.canvas.size, size)
        pixels = np.empty((*shape, 4), np.uint8)
        pixels[..., 3] = 255
        keywords = {"region": region, "size": size, "out": pixels[..., :3], "cancel": cancel}
        if "saturation" in view:
            keywords["saturation"] = view["saturation"]
        if not guidance_is_empty(held.command, guidance):
            self._render(held, guidance, keywords)
            return pixels
        pixels[..., :3] = gray_of(held.source.picture, region, shape)
        return pixels

    def save(
        self, held: HeldCanvas, guidance: Any, kind: str, view: View, cancel: CancelToken
    ) -> tuple[bytes, str]:
        """A file of the whole result, with what the picture's file carried; and its suffix."""
        if kind not in FILES:
            raise InputError(f"format must be one of {', '.join(FILES)}, not {kind!r}")
        _, form, depth = FILES[kind]
        keywords: dict[str, Any] = {"cancel": cancel, "size": view.get("size")}
        if "saturation" in view:
            keywords["saturation"] = view["saturation"]
        if guidance_is_empty(held.command, guidance):
            shape = preview_shape(held.canvas.size, view.get("size") or min(held.canvas.size))
            pixels: Any = np.repeat(gray_of(held.source.picture, None, shape), 3, axis=-1)
            pixels = pixels.astype(np.uint16) * 257 if depth == 16 else pixels
        else:
            output = "rgb16" if depth == 16 else "rgb8"
            pixels = self._render(held, guidance, keywords | {"output": output})
        file = io.BytesIO()
        with self._turns:
            encode([(pixels, held.source.picture)], form, Options(depth), file, "the result")
        return file.getvalue(), _SUFFIXES[form]

    def close(self) -> None:
        """Free everything."""
        self.store.close()
        with self._lock:
            for model in self._models.values():
                model.close()
            self._models.clear()

    def _render(self, held: HeldCanvas, guidance: Any, keywords: dict[str, Any]) -> Any:
        arguments = arguments_of(held, guidance, lambda name: self._reference(held, name))
        with self._turns:
            return held.canvas.render(**arguments, **keywords)

    def _reference(self, held: HeldCanvas, name: str) -> Any:
        """A picture as an example, encoded once for each model."""
        picture = self.store.picture(name)
        if held.model not in picture.references:
            model = self.model(held.model)
            with self._turns:
                picture.references[held.model] = model.encode_reference(picture.picture)
        return picture.references[held.model]


def view_of(message: dict[str, Any]) -> View:
    """What a message wants to see; InputError when that is no object."""
    view = message.get("view") or {}
    if not isinstance(view, dict):
        raise InputError(f"view is an object, not {view!r:.60}")
    return view


def guidance_is_empty(command: str, guidance: Any) -> bool:
    """Whether there is nothing to colour by: null, strokes without one, no example yet."""
    if guidance is None:
        return True
    if not isinstance(guidance, dict):
        return False
    need: dict[str, Literal["strokes", "reference"]] = {
        "scribble": "strokes", "exemplar": "reference",
    }  # fmt: skip
    name = need.get(command)
    return name is not None and not guidance.get(name)


def gray_of(
    picture: Picture, region: tuple[int, int, int, int] | None, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """The picture without colours, a region of it or smaller: (h, w, 1) uint8."""
    from ..native import resample
    from ..pictures.decoding import read_luma

    samples = picture.samples
    if region is not None:
        samples = samples[region[0] : region[2], region[1] : region[3]]
    plane = read_luma(Picture(samples))
    if plane.shape != shape:
        plane = resample(plane, shape)
    return (np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8)[..., None]
