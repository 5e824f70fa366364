"""Opened bundles: a manifest, ONNX graphs and golden vectors, in a folder or a zip of one."""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BackendError, BundleError
from .manifest import MANIFEST, Manifest
from .native.bundles import BundleFiles
from .runtime.graph import PRECISIONS, Graph, Target, load_graph
from .runtime.precision import HALVES, halved

__all__ = ["CPU_BACKENDS", "Bundle", "default_bundles", "find_bundle"]

_ALL = "*"
CPU_BACKENDS = ("onnxruntime", "openvino")
_GOLDEN = "golden.npz"
_MAXIMUM_FILE = 2 << 30  # bytes, unpacked: what is larger is refused before it is read
# What reading a damaged zip file raises, depending on where the damage is.
_UNREADABLE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Bundle:
    """An opened bundle: its manifest is read, other files on demand, every one hash-checked.

    Parameters
    ----------
    path : str or path
        Folder, or zip file that holds the bundle's files at its top or in one folder.

    Raises
    ------
    BundleError
        When there is no bundle or its manifest cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._files = BundleFiles(os.fsencode(path))
        self.manifest = Manifest.from_json(self._files.manifest, str(self.path))

    def graph(self, name: str) -> bytes:
        """Return the ONNX file of a graph, hash-checked, weights that it shares included."""
        return self._files.graph(name)

    def graph_in(self, name: str, precision: str) -> bytes:
        """Return the ONNX file of a graph in a precision; see `require_precision`.

        Parameters
        ----------
        name : str
        precision : {"fp32", "fp16", "bf16", "int8"}
            What is no half precision is the graph as it is.
        """
        content = self.graph(name)
        if precision not in HALVES:
            return content
        return halved(content, precision, self.kept_layers(name))

    def load(self, name: str, target: Target) -> Graph:
        """Load a graph on a device; one that is to stay in float32 altogether does."""
        if _ALL in self.kept_layers(name):
            target = replace(target, backend=target.runtime, precision="fp32")
        return load_graph(self.graph(name), target, f"{self.manifest.name}/{name}")

    @property
    def precision(self) -> str:
        """What the graphs are in as they are: "fp32", or "int8" for a quantized bundle."""
        return "int8" if self.manifest.parameters.get("precision") == "int8" else "fp32"

    @property
    def cpu_backend(self) -> str:
        """The backend that computes these graphs faster on CPUs: "onnxruntime" unless said.

        Raises
        ------
        BundleError
            When the manifest names another one.
        """
        named = self.manifest.parameters.get("cpu_backend", "onnxruntime")
        if named not in CPU_BACKENDS:
            raise self._odd_parameter("cpu_backend", f"one of {', '.join(CPU_BACKENDS)}")
        return str(named)

    def require_precision(self, precision: str) -> None:
        """Refuse what these graphs cannot be run or built in.

        Raises
        ------
        BackendError
            For unknown ones, for int8 out of a float bundle, and for others out of an INT8 one.
        """
        name = self.manifest.name
        if precision not in PRECISIONS[1:]:
            raise BackendError(
                f"unknown precision {precision!r}; use one of {', '.join(PRECISIONS[1:])}"
            )
        if precision == "int8" and self.precision != "int8":
            raise BackendError(
                f"{name} is a bundle in float32, and INT8 needs calibration on pictures: make one "
                "with `python -m export quantize BUNDLE --data PHOTOS --out INT8-BUNDLE` and use "
                "that"
            )
        if precision != "int8" and self.precision == "int8":
            raise BackendError(
                f"{name} is a bundle in INT8, which has precision int8 and not {precision}; for "
                f"{precision} use the float32 bundle that it was made of"
            )

    def kept_layers(self, graph: str) -> tuple[str, ...]:
        """Patterns of a graph's nodes that stay in float32 in half precision; "*" is all of it."""
        kept = self.manifest.parameters.get("keep_fp32", {})
        return tuple(kept.get(graph, ())) if isinstance(kept, dict) else ()

    def golden(self) -> dict[str, NDArray[Any]]:
        """Golden vectors, named ``graph/case/input|output/tensor``.

        What one graph hands to another is in the file once; the second name holds the first.
        """
        content = self._files.file(_GOLDEN, self.manifest.golden_sha256)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                size = sum(item.file_size for item in archive.infolist())
            if size > _MAXIMUM_FILE:
                raise self._too_large(_GOLDEN, size)
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            for key, array in arrays.items():
                if array.dtype.kind == "S":  # the name of an equal array
                    arrays[key] = arrays[array.item().decode()]
            return arrays
        except (*_UNREADABLE, KeyError) as error:
            raise BundleError(
                f"{self.path}: {_GOLDEN} cannot be read ({error}); export the bundle again"
            ) from None

    def parameter(self, name: str) -> Any:
        """Return a parameter of the manifest; BundleError when it is missing."""
        if name not in self.manifest.parameters:
            raise BundleError(f"{self.path}: {MANIFEST} lacks the parameter {name!r}")
        return self.manifest.parameters[name]

    def number_parameter(self, name: str, above: float) -> float:
        """Return a parameter that is a finite number above a limit."""
        value = self.parameter(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._odd_parameter(name, "a number")
        if not above < value < math.inf:
            raise self._odd_parameter(name, f"a finite number above {above:g}")
        return float(value)

    def integer_parameter(self, name: str, minimum: int) -> int:
        """Return a parameter that is a whole number."""
        value = self.parameter(name)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value < 2**31:
            raise self._odd_parameter(name, f"a whole number of at least {minimum}")
        return value

    def boolean_parameter(self, name: str) -> bool:
        """Return a parameter that is true or false."""
        value = self.parameter(name)
        if not isinstance(value, bool):
            raise self._odd_parameter(name, "true or false")
        return value

    def _odd_parameter(self, name: str, allowed: str) -> BundleError:
        return BundleError(
            f"{self.path}: parameter {name!r} must be {allowed}, not {self.parameter(name)!r}; "
            "export the bundle again"
        )

    def _too_large(self, name: str, size: int) -> BundleError:
        return BundleError(
            f"{self.path}: {name} would take {size / 2**20:.1f} MiB, and at most "
            f"{_MAXIMUM_FILE / 2**20:g} MiB are read; it is damaged, or no bundle of ours"
        )


def default_bundles() -> dict[str, Path]:
    """Bundles inside the package, by name."""
    folder = Path(__file__).parent / "bundles"
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{MANIFEST}"))}


def find_bundle(name: str | os.PathLike[str], others: Sequence[str] = ()) -> Bundle:
    """Open a bundle by the name of a default one, or by its path.

    Parameters
    ----------
    name : str or path
    others : sequence of str
        What else the caller knows by name, for the error's message.

    Raises
    ------
    BundleError
        When there is none, or it cannot be read.
    """
    known = default_bundles()
    try:
        text = os.fspath(name)
        found = text in known or Path(str(text)).exists()
    except (TypeError, OSError, ValueError):  # no path at all, or one that cannot be
        text, found = repr(name)[:80], False
    if isinstance(text, str) and text in known:
        return Bundle(known[text])
    if not found:
        if not known:
            raise BundleError(
                f"the package's models are missing (no {Path(__file__).parent / 'bundles'}), and "
                f"{text!r} is no path of a bundle; a frozen program has to take them along "
                "(PyInstaller does by the package's own hook), or install colordeploy again"
            )
        raise BundleError(
            f"{text!r} is neither a model of this package ({', '.join([*others, *known])}) nor the "
            "path of a bundle"
        )
    return Bundle(text)
