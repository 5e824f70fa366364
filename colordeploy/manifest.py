"""What a bundle says of itself: ``manifest.json``, checked by a hash of its values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BundleError

__all__ = ["FORMAT", "MANIFEST", "GraphEntry", "Manifest", "TensorEntry"]

FORMAT = 2  # graphs may share weights
_PLAIN = 1  # of bundles whose graphs hold all their weights, for those who have older versions
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class TensorEntry:
    """An input or output of a graph; a dimension is a number or the name of a free one."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class GraphEntry:
    """One ONNX graph.

    Attributes
    ----------
    file, sha256 : str
        Name in the bundle and hash of its content, `weights` included.
    inputs, outputs : tuple of TensorEntry
    tolerance : float
        Largest absolute error against the golden vectors that `verify` accepts.
    weights : str or None
        Name of a file with more of its weights: an ONNX model of initializers alone, which several
        graphs share. Appended to `file` it makes the whole graph, for that is how protocol buffers
        merge messages.
    """

    file: str
    sha256: str
    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]
    tolerance: float
    weights: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What a bundle is, see the fields of ``manifest.json``.

    Attributes
    ----------
    name, method, version, licence, trained_on : str
    quality : mapping
        Measured quality, with the command that measured it.
    graphs : mapping of str to GraphEntry
    golden_sha256 : str
    parameters : mapping
        What the method needs besides the graphs, such as sigma and the working size.
    """

    name: str
    method: str
    version: str
    licence: str
    trained_on: str
    quality: Mapping[str, Any]
    graphs: Mapping[str, GraphEntry]
    golden_sha256: str
    parameters: Mapping[str, Any]
    format: int = field(init=False)

    def __post_init__(self) -> None:
        shared = any(graph.weights for graph in self.graphs.values())
        object.__setattr__(self, "format", FORMAT if shared else _PLAIN)

    def to_json(self) -> str:
        """Return the content of ``manifest.json``."""

        def plain(value: Any) -> Any:
            if isinstance(value, (GraphEntry, TensorEntry)):
                return {k: plain(item) for k, item in vars(value).items() if item is not None}
            if isinstance(value, Mapping):
                return {key: plain(item) for key, item in value.items()}
            return [plain(item) for item in value] if isinstance(value, tuple) else value

        values = {key: plain(item) for key, item in vars(self).items()}
        return json.dumps({**values, "manifest_sha256": _digest(values)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: str) -> Manifest:
        """Parse ``manifest.json``; `origin` names it in errors.

        Raises
        ------
        BundleError
            When it is no manifest of this format.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{origin}: {MANIFEST} is not valid JSON: {error}") from None
        if not isinstance(values, dict) or values.get("format") not in (_PLAIN, FORMAT):
            found = values.get("format") if isinstance(values, dict) else None
            raise BundleError(
                f"{origin}: bundle format {found!r} is not known to this version (it reads "
                f"{_PLAIN} and {FORMAT}); update colordeploy or export the bundle again"
            )
        if values.pop("manifest_sha256", None) != _digest(values):
            raise BundleError(
                f"{origin}: {MANIFEST} is damaged or was edited by hand (its SHA-256 does not "
                "match); fetch or export the bundle again"
            )
        try:
            values.pop("format")
            graphs = {name: _graph_entry(entry) for name, entry in values.pop("graphs").items()}
            manifest = cls(graphs=graphs, **values)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise BundleError(f"{origin}: {MANIFEST} is incomplete or odd: {error}") from None
        texts = ("name", "method", "version", "licence", "trained_on", "golden_sha256")
        for key in texts:
            if not isinstance(getattr(manifest, key), str):
                raise BundleError(f"{origin}: {key!r} in {MANIFEST} must be a text")
        for key in ("quality", "parameters"):
            if not isinstance(getattr(manifest, key), dict):
                raise BundleError(f"{origin}: {key!r} in {MANIFEST} must be an object")
        if not graphs:
            raise BundleError(f"{origin}: {MANIFEST} names no graph")
        return manifest


def _digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest's values, independent of spacing and order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _graph_entry(values: dict[str, Any]) -> GraphEntry:
    def tensors(entries: list[dict[str, Any]]) -> tuple[TensorEntry, ...]:
        if not entries:
            raise ValueError("a graph needs inputs and outputs")
        return tuple(TensorEntry(e["name"], e["dtype"], tuple(e["shape"])) for e in entries)

    if not 0 < float(values["tolerance"]) < math.inf:
        raise ValueError(f"a tolerance must be a finite number above 0, not {values['tolerance']}")
    return GraphEntry(
        str(values["file"]),
        str(values["sha256"]),
        tensors(values["inputs"]),
        tensors(values["outputs"]),
        float(values["tolerance"]),
        str(values["weights"]) if "weights" in values else None,
    )
