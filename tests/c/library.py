"""libcolordeploy by ctypes: the header's structs, and calls that raise what a status says."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_ssize_t,
    c_uint8,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATUSES = (
    "ok", "input", "bundle", "backend", "solver", "cancelled", "memory", "internal",
)  # fmt: skip
GRAY8, RGB8, RGBA8, BGRA8, GRAY16, RGB16, RGBA16, BGRA16, GRAYF, RGBF, RGBAF, BGRAF, LABF, ABF = (
    range(1, 15)
)
_KINDS = {np.dtype(np.uint8): 0, np.dtype(np.uint16): 4, np.dtype(np.float32): 8}


class Failure(Exception):  # noqa: N818 - any status but OK
    """A call that failed: its kind, and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{STATUSES[status]}: {message}")
        self.kind, self.message = STATUSES[status], message


class Image(Structure):
    _fields_ = (
        ("data", c_void_p), ("height", c_int32), ("width", c_int32), ("row_bytes", c_ssize_t),
        ("pixel_bytes", c_ssize_t), ("format", c_int32),
    )  # fmt: skip


class Rect(Structure):
    _fields_ = tuple((name, c_int32) for name in ("y0", "x0", "y1", "x1"))


Progress = CFUNCTYPE(None, c_void_p, c_double, c_char_p)
Log = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


class Sized(Structure):
    """A struct that begins with its size."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"size": ctypes.sizeof(type(self)), **values})


class Tensor(Structure):
    _fields_ = (
        ("name", c_char_p), ("data", c_void_p), ("type", c_int32), ("rank", c_int32),
        ("shape", c_int64 * 8),
    )  # fmt: skip


Open = CFUNCTYPE(c_int32, c_void_p, c_char_p, c_void_p, c_size_t)
Run = CFUNCTYPE(c_int32, c_void_p, c_char_p, POINTER(Tensor), c_size_t, c_void_p, c_void_p)
Close = CFUNCTYPE(None, c_void_p)


class Runtime(Sized):
    _fields_ = (
        ("size", c_size_t), ("user", c_void_p), ("open", Open), ("run", Run), ("close", Close),
    )  # fmt: skip


class LoadOptions(Sized):
    _fields_ = (
        ("size", c_size_t), ("bundles", c_char_p), ("device", c_char_p), ("onnxruntime", c_char_p),
        ("runtime", POINTER(Runtime)), ("threads", c_int32), ("max_concurrency", c_int32),
        ("cancel", c_void_p), ("progress", Progress), ("progress_user", c_void_p), ("log", Log),
        ("log_user", c_void_p),
    )  # fmt: skip


class ModelInfo(Sized):
    _fields_ = (
        ("size", c_size_t), ("name", c_char_p), ("method", c_char_p), ("version", c_char_p),
        ("licence", c_char_p), ("trained_on", c_char_p), ("working_size", c_int32),
    )  # fmt: skip


class PrepareOptions(Sized):
    _fields_ = (
        ("size", c_size_t), ("short_side", c_int32), ("anchors", c_int32), ("seed", c_uint64),
        ("radii", POINTER(c_int32)), ("radius_count", c_size_t), ("cancel", c_void_p),
        ("progress", Progress), ("progress_user", c_void_p),
    )  # fmt: skip

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"anchors": 8, **values})


class CanvasInfo(Sized):
    _fields_ = (
        ("size", c_size_t), ("method", c_char_p), ("device", c_char_p), ("height", c_int32),
        ("width", c_int32), ("working_height", c_int32), ("working_width", c_int32),
        ("bytes", c_size_t),
    )  # fmt: skip


class RenderOptions(Sized):
    _fields_ = (
        ("size", c_size_t), ("region", POINTER(Rect)), ("short_side", c_int32),
        ("saturation", c_double), ("cancel", c_void_p), ("progress", Progress),
        ("progress_user", c_void_p),
    )  # fmt: skip

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"saturation": 1.0, **values})


class Stroke(Structure):
    _fields_ = (
        ("points", POINTER(c_double)), ("count", c_size_t), ("width", c_double),
        ("rgb", c_uint8 * 3),
    )  # fmt: skip


class Strokes(Sized):
    _fields_ = (
        ("size", c_size_t), ("list", POINTER(Stroke)), ("count", c_size_t),
        ("layer", POINTER(Image)),
    )  # fmt: skip


class Mending(Sized):
    _fields_ = (("size", c_size_t), ("base", POINTER(Image)), ("reach", c_double))

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"reach": 0.5, **values})


class Candidate(Structure):
    _fields_ = tuple((name, c_double) for name in ("a", "b", "probability"))


class Anchor(Structure):
    _fields_ = (
        ("y", c_double), ("x", c_double), ("a", c_double), ("b", c_double),
        ("lightness", c_double), ("candidate_count", c_int32), ("candidates", Candidate * 10),
    )  # fmt: skip


class SystemOptions(Sized):
    _fields_ = (
        ("size", c_size_t), ("sigma", c_double), ("alpha", c_double), ("phi", c_double),
        ("screening", c_double), ("global_step", c_int32), ("single_precision", c_int32),
        ("threads", c_int32),
    )  # fmt: skip


def image_of(array: NDArray[Any], reversed_: bool = False, format: int | None = None) -> Image:
    """An array (H, W) or (H, W, C) as it lies in memory; it must outlive the result."""
    channels = array.shape[2] if array.ndim == 3 else 1
    kind = format if format is not None else (
        _KINDS[array.dtype] + {1: 1, 3: 2, 4: 3}[channels] + int(reversed_)
    )  # fmt: skip
    return Image(
        array.ctypes.data, array.shape[0], array.shape[1], array.strides[0], array.strides[1], kind
    )


class Library:
    """The library at a path; a status that is none becomes a `Failure`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.raw = ctypes.CDLL(str(path))
        for name in ("cd_last_error", "cd_version"):
            getattr(self.raw, name).restype = c_char_p
        for name in (
            "cd_model_free", "cd_canvas_free", "cd_cancel_free", "cd_cancel_set", "cd_lab_color",
            "cd_color_lab", "cd_set_idle_limit", "cd_system_free", "cd_reference_free",
        ):  # fmt: skip
            if hasattr(self.raw, name):
                getattr(self.raw, name).restype = None
        self.raw.cd_trim.restype = c_size_t

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status."""
        status = getattr(self.raw, name)(*arguments)
        if status != 0:
            raise Failure(status, self.raw.cd_last_error().decode())

    def made(self, name: str, *arguments: Any) -> c_void_p:
        """What a function makes, which it writes to its last argument."""
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle

    def lab_color(self, lightness: float, a: float, b: float, rgb: Any) -> None:
        """The colour that a and b give."""
        self.raw.cd_lab_color(c_double(lightness), c_double(a), c_double(b), rgb)

    def load(self, name: str, **options: Any) -> Model:
        """Load a model."""
        given = LoadOptions(**options)
        return Model(self, self.made("cd_load", name.encode(), byref(given)))


class Handle:
    """A handle and what frees it."""

    free: str

    def __init__(self, library: Library, handle: c_void_p) -> None:
        self.library, self.handle = library, handle

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Free it."""
        getattr(self.library.raw, self.free)(self.handle)
        self.handle = c_void_p()


class Cancel(Handle):
    free = "cd_cancel_free"

    def __init__(self, library: Library) -> None:
        super().__init__(library, library.made("cd_cancel_new"))

    def set(self) -> None:
        """Ask to stop."""
        self.library.raw.cd_cancel_set(self.handle)


class Model(Handle):
    free = "cd_model_free"

    def info(self) -> ModelInfo:
        """What it says of itself."""
        found = ModelInfo()
        self.library.call("cd_model_get_info", self.handle, byref(found))
        return found

    def prepare(self, array: NDArray[Any], reversed_: bool = False, **options: Any) -> Canvas:
        """Prepare a picture."""
        given = PrepareOptions(**options)
        image = image_of(array, reversed_)
        made = self.library.made("cd_prepare", self.handle, byref(image), byref(given))
        return Canvas(self.library, made)


class Canvas(Handle):
    free = "cd_canvas_free"

    def info(self) -> CanvasInfo:
        """What it says of itself."""
        found = CanvasInfo()
        self.library.call("cd_canvas_get_info", self.handle, byref(found))
        return found

    def size(self, **options: Any) -> tuple[int, int]:
        """Height and width of a result."""
        height, width = c_int32(), c_int32()
        self.library.call(
            "cd_render_size", self.handle, byref(RenderOptions(**options)), byref(height),
            byref(width),
        )  # fmt: skip
        return height.value, width.value

    def render(
        self,
        name: str,
        *guidance: Any,
        out: NDArray[Any] | None = None,
        format: int = RGB8,
        region: tuple[int, int, int, int] | None = None,
        **options: Any,
    ) -> NDArray[Any]:
        """Render by a function, into new memory or what is given."""
        if region is not None:
            options["region"] = ctypes.pointer(Rect(*region))
        given = RenderOptions(**options)
        if out is None:
            kind = {RGB8: np.uint8, RGB16: np.uint16, LABF: np.float32}[format]
            out = np.zeros((*self.size(**options), 3), kind)
        target = image_of(out, format=format)
        self.library.call(name, self.handle, *guidance, byref(given), byref(target))
        return out

    def strokes(self, layer: NDArray[np.uint8], **options: Any) -> NDArray[Any]:
        """Render a layer of strokes."""
        given = Strokes(layer=ctypes.pointer(image_of(layer)))
        return self.render("cd_render_strokes", byref(given), None, **options)

    def lines(self, lines: list[Any], **options: Any) -> NDArray[Any]:
        """Render a list of (points, width, rgb)."""
        return self.render("cd_render_strokes", byref(strokes_of(lines)), None, **options)

    def mended(
        self, strokes: Strokes, base: Image, reach: float = 0.5, **options: Any
    ) -> NDArray[Any]:
        """Render strokes on a coloured picture."""
        mending = Mending(base=ctypes.pointer(base), reach=reach)
        return self.render("cd_render_strokes", byref(strokes), byref(mending), **options)

    def anchors(self, sample: int) -> list[Anchor]:
        """The anchors that were found."""
        return self._found("cd_anchors", sample)

    def anchors_from(self, picture: NDArray[Any], relocate: bool) -> list[Anchor]:
        """The same with the colours of another picture."""
        return self._found("cd_anchors_from", byref(image_of(picture)), int(relocate))

    def _found(self, name: str, *arguments: Any) -> list[Anchor]:
        count = c_size_t()
        self.library.call(name, self.handle, *arguments, None, c_size_t(0), byref(count))
        room = (Anchor * count.value)()
        self.library.call(name, self.handle, *arguments, room, count, byref(count))
        return list(room)

    def anchored(self, anchors: Any, sample: int = 0, **options: Any) -> NDArray[Any]:
        """Render anchors, or what is automatic."""
        count = c_size_t(0 if anchors is None else len(anchors))
        given = anchors if anchors is None or len(anchors) else byref(Anchor())
        return self.render("cd_render_anchors", given, count, sample, **options)

    def affinity(self, y: int, x: int) -> NDArray[np.float32]:
        """Affinities of one pixel."""
        info = self.info()
        plane = np.zeros((info.height, info.width), np.float32)
        self.library.call(
            "cd_affinity", self.handle, y, x, plane.ctypes.data_as(POINTER(c_float)),
            c_ssize_t(plane.strides[0]), None,
        )  # fmt: skip
        return plane


def anchors_of(anchors: list[Any]) -> Any:
    """Anchors of Python's as the library takes them."""
    return (Anchor * len(anchors))(*(Anchor(one.y, one.x, *one.ab) for one in anchors))


def strokes_of(lines: list[Any]) -> Strokes:
    """A list of (points, width, rgb) as the library takes it."""
    made = (Stroke * len(lines))()
    for stroke, (points, width, rgb) in zip(made, lines, strict=True):
        flat = [value for point in points for value in point]
        stroke.points = (c_double * len(flat))(*flat)
        stroke.count, stroke.width, stroke.rgb = len(points), width, (c_uint8 * 3)(*rgb)
    return Strokes(list=made, count=len(lines))
