"""An ONNX file looked at before it is believed."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BackendError, BundleError
from ..native.bundles import MalformedGraphError, has_external_data
from ..runtime.onnx_import import import_onnxruntime

__all__ = ["NetworkFile", "Tensor", "open_network"]

_MAXIMUM = 2 << 30
# What inputs may be of; outputs are of the first two.
_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(bool)": "bool"}


@dataclass(frozen=True)
class Tensor:
    """An input or output, float32, float16 or bool; a dimension is a number, or None if free."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.name} ({' x '.join('?' if s is None else str(s) for s in self.shape)})"


@dataclass(frozen=True, eq=False)
class NetworkFile:
    """A sound ONNX file.

    Attributes
    ----------
    path : Path
    sha256 : str
    inputs, outputs : tuple of Tensor
    session : onnxruntime.InferenceSession
        As the file is, on the CPU.
    """

    path: Path
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    session: Any


def open_network(path: Path) -> NetworkFile:
    """Open an ONNX file, read as a stream: only ONNX Runtime holds its weights.

    Raises
    ------
    BundleError
        When it cannot be read, is no whole ONNX file, keeps weights elsewhere, or needs operators
        that ONNX Runtime does not have.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= _MAXIMUM:
            raise BundleError(
                f"{path} has {size} bytes; an ONNX file to import has 1 byte to 2 GiB"
            )
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                _refuse_external(path, mapped)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror or error}") from None
    session = _session(path)
    return NetworkFile(
        path,
        digest.hexdigest(),
        tuple(_tensor(path, t, ("float32", "float16", "bool")) for t in session.get_inputs()),
        tuple(_tensor(path, t, ("float32", "float16")) for t in session.get_outputs()),
        session,
    )


def _refuse_external(path: Path, mapped: mmap.mmap) -> None:
    external, wrong = False, ""
    with memoryview(mapped) as content:
        try:
            external = has_external_data(content)
        except MalformedGraphError as error:  # gone before the memory is, which it looks into
            wrong = str(error)
    if wrong:
        raise BundleError(f"{path} is no whole ONNX file: {wrong}; export or fetch it again")
    if external:
        raise BundleError(
            f"{path} keeps weights in other files; save it as one file (onnx.save_model with "
            "save_as_external_data=False)"
        )


def _session(path: Path) -> Any:
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exceptions share no public base class
        said = str(error).strip().splitlines()[0][:300]
        raise BackendError(
            f"{path}: ONNX Runtime cannot run it ({said}); networks with operators of their own "
            "cannot be imported: export it with ONNX's own operators"
        ) from None


def _tensor(path: Path, found: Any, allowed: tuple[str, ...]) -> Tensor:
    dtype = _TYPES.get(found.type, "")
    if dtype not in allowed:
        raise BundleError(
            f"{path}: {found.name} holds {found.type}; pictures and colours of an imported network "
            "are float32 or float16, masks may be bool: export it with those"
        )
    if 0 in found.shape:
        raise BundleError(
            f"{path}: {found.name} holds nothing, its shape is {found.shape}; export it with sides "
            "that are free, or of at least 1"
        )
    shape = tuple(s if isinstance(s, int) and s > 0 else None for s in found.shape)
    return Tensor(found.name, dtype, shape)
